import type { Logger } from 'pino';
import { poll } from '../../retry/poll.ts';
import { describeError } from '../../wire/errors.ts';
import type { TopicSpec } from '../port.ts';
import type { KafkaAdmin } from './admin.ts';

const lookMs = 3_000;

/** Makes the topics again that this log made sure of and that are gone: deleted, or lost with all of Kafka. */
export class MissingTopics {
  readonly #admin: Pick<KafkaAdmin, 'names' | 'ensure'>;
  readonly #logger: Logger;
  readonly #specs = new Map<string, TopicSpec>();
  #stopLooking: (() => void) | undefined;

  constructor(admin: Pick<KafkaAdmin, 'names' | 'ensure'>, logger: Logger) {
    this.#admin = admin;
    this.#logger = logger;
  }

  /** These are to be there from now on. */
  keep(topics: readonly TopicSpec[]): void {
    for (const spec of topics) this.#specs.set(spec.name, spec);
    this.#stopLooking ??= poll(lookMs, () => this.#look());
  }

  stop(): void {
    this.#stopLooking?.();
  }

  async #look(): Promise<void> {
    try {
      const names = await this.#admin.names();
      const missing = [...this.#specs.values()].filter(({ name }) => !names.has(name));
      if (missing.length === 0) return;
      const gone = missing.map(({ name }) => name).join(', ');
      await this.#admin.ensure(missing);
      this.#logger.warn(`Kafka had lost ${gone}, or somebody had deleted them; they were made again, empty`);
    } catch (error) {
      this.#logger.debug(`Missing topics cannot be made again yet: ${describeError(error)}`);
    }
  }
}
