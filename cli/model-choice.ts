import { championAlias, type Registry } from '../core/model/registry/port.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { ModelControl, ModelOption } from '../dashboard/controls.ts';
import type { LoadedConfig } from './config/load.ts';
import { openModels } from './stream.ts';

/** The page has room for so many. */
const mostOptions = 5;

/**
 * The version that a person chose on the live page. It serves in this run in place of the one that the alias names. Nothing is written:
 * the next run begins with the alias again, and a promotion while the line runs ends the choice.
 */
export class ModelChoice implements ModelControl {
  #models: Registry;
  #alias: string;
  #challenger: string;
  #chosen: { readonly version: number; readonly inPlaceOf: number | undefined } | undefined;

  constructor(loaded: LoadedConfig) {
    this.#alias = loaded.config.model.alias;
    this.#challenger = loaded.config.model.challenger;
    this.#models = this.#open(loaded);
  }

  /** Which version labels in the shadow: an alias, a number, or a run. */
  get challenger(): string {
    return this.#challenger;
  }

  /** Its `current` and `watch` give the chosen version. */
  get models(): Registry {
    return this.#models;
  }

  /** Follows other `model` keys from now on. What was chosen for those before is forgotten. */
  follow(loaded: LoadedConfig): Registry {
    this.#chosen = undefined;
    this.#alias = loaded.config.model.alias;
    this.#challenger = loaded.config.model.challenger;
    this.#models = this.#open(loaded);
    return this.#models;
  }

  /** The version that the line's alias names, then the others that have an alias, the newest first. The challenger is none of them. */
  async options(): Promise<ModelOption[]> {
    const [versions, aliases, named, champion] = await Promise.all([
      this.#models.versions(),
      this.#models.aliases(),
      this.#models.resolve(this.#alias),
      this.#models.resolve(championAlias),
    ]);
    const serves = this.#servesFor(named);
    const byName = new Map(aliases);
    if (champion !== undefined) byName.set(championAlias, champion);
    byName.delete(this.#challenger);
    const namesOf = (version: number) => [...byName].filter(([, of]) => of === version).map(([name]) => name);
    return versions
      .map((version) => ({ version, names: namesOf(version), serves: version === serves }))
      .filter(({ version, names }) => names.length > 0 || version === named)
      .sort((a, b) => Number(b.version === named) - Number(a.version === named) || b.version - a.version)
      .slice(0, mostOptions);
  }

  async choose(version: number): Promise<void> {
    const options = await this.options();
    if (!options.some((option) => option.version === version)) {
      const there = options.map((option) => option.version).join(', ');
      throw new GaplineError('control-invalid', `version ${version} is no option; send one of ${there}`);
    }
    this.#chosen = { version, inPlaceOf: await this.#models.resolve(this.#alias) };
  }

  #open(loaded: LoadedConfig): Registry {
    return openModels(loaded, (named) => this.#servesFor(named));
  }

  #servesFor(named: number | undefined): number | undefined {
    if (this.#chosen && this.#chosen.inPlaceOf !== named) this.#chosen = undefined;
    return this.#chosen?.version ?? named;
  }
}
