import pino from 'pino';
import type { Access } from '../../core/access/access.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import type { DescribeVersion } from '../app.ts';
import type { Controls } from '../controls.ts';
import { createDashboard, type Dashboard } from '../dashboard.ts';
import { MemoryLog } from './memory-log.ts';
import { SimulatedLine, type SimulationOptions } from './simulated-line.ts';

export interface SceneOptions extends Partial<Omit<SimulationOptions, 'log'>> {
  /** Seconds of the past that the log holds. Default 90. */
  readonly past?: number;
  /** Whether there is a generator whose gap rate can be set. Default true. */
  readonly controls?: boolean;
  /** Aliases by version, where the model can be chosen; the line's version then follows the choice. */
  readonly models?: Readonly<Record<number, readonly string[]>>;
  /** What is known of versions. Default: nothing. */
  readonly describeVersion?: DescribeVersion;
  /** Who may look. Default everyone. */
  readonly access?: Access;
}

/** The names of the Spambase data set, as far as a page can see. */
export const manyFields = Array.from({ length: 57 }, (_, index) => `word_freq_${index}`);

/** A simulated line, its live page, and a browser's pages that look at it. */
export class Scene {
  readonly log = new MemoryLog();
  readonly line: SimulatedLine;
  readonly #options: SceneOptions;
  #dashboard: Dashboard | undefined;

  constructor(options: SceneOptions = {}) {
    this.#options = options;
    this.line = new SimulatedLine({ log: this.log, fields: manyFields, classes: ['ham', 'spam'], ...options });
  }

  get url(): string {
    if (!this.#dashboard) throw new Error('the scene has not started');
    return this.#dashboard.url;
  }

  async start(): Promise<void> {
    this.line.past(this.#options.past ?? 90);
    await this.open(0);
    this.line.start();
  }

  /** Starts the live page alone; again after `shut`, for instance. */
  async open(port: number): Promise<void> {
    const { line } = this;
    const setGapRate = (rate: number) => {
      line.gapRate = rate;
    };
    const controls = { gapRate: line.gapRate, setGapRate, ...this.#modelControl() };
    this.#dashboard = createDashboard({
      stream: line.stream,
      log: this.log,
      logger: pino({ level: 'silent' }),
      host: '127.0.0.1',
      port,
      everyMs: 250,
      describeVersion: this.#options.describeVersion,
      ...(this.#options.access ? { access: this.#options.access } : {}),
      ...(this.#options.controls === false ? {} : { controls }),
    });
    await this.#dashboard.start();
  }

  #modelControl(): Pick<Controls, 'models'> {
    const { line } = this;
    const { models } = this.#options;
    if (models === undefined) return {};
    const options = async () =>
      Object.entries(models).map(([version, names]) => ({
        version: Number(version),
        names,
        serves: Number(version) === line.version,
      }));
    const choose = async (version: number) => {
      if (!(version in models)) throw new GaplineError('control-invalid', `version ${version} is no option`);
      line.version = version;
    };
    return { models: { options, choose } };
  }

  async shut(): Promise<void> {
    await this.#dashboard?.stop();
  }

  async stop(): Promise<void> {
    this.line.stop();
    await this.shut();
    await this.log.stop();
  }
}
