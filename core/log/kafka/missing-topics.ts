import type { Logger } from 'pino';
import { describeError } from '../../wire/errors.ts';
import type { TopicSpec } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';

const lookMs = 3_000;

/** Makes the topics again that this log made sure of and that are gone: deleted, or lost with all of Kafka. */
export class MissingTopics {
  readonly #admin: Pick<KafkaAdmin, 'names' | 'ensure'>;
  readonly #logger: Logger;
  readonly #specs = new Map<string, TopicSpec>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(admin: Pick<KafkaAdmin, 'names' | 'ensure'>, logger: Logger) {
    this.#admin = admin;
    this.#logger = logger;
  }

  /** These are to be there from now on. */
  keep(topics: readonly TopicSpec[]): void {
    for (const spec of topics) this.#specs.set(spec.name, spec);
    this.#timer ??= setInterval(() => void this.#look(), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const names = await this.#admin.names();
      const missing = [...this.#specs.values()].filter(({ name }) => !names.has(name));
      if (missing.length === 0) return;
      const gone = missing.map(({ name }) => name).join(', ');
      await this.#admin.ensure(missing);
      this.#logger.warn(`Kafka had lost ${gone}, or somebody had deleted them; they were made again, empty`);
    } catch (error) {
      this.#logger.debug(`Missing topics cannot be made again yet: ${describeError(error)}`);
    } finally {
      this.#looking = false;
    }
  }
}
