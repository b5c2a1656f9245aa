import type { Draft } from '../artifact.ts';
import type { Manifest } from '../manifest.ts';
import type { Model, ModelIdentity, ModelSource } from '../model.ts';

/** The versions of one model. Versions are immutable; aliases move. */
export interface Registry extends ModelSource {
  /** Ascending; empty where there is none. */
  versions(): Promise<number[]>;
  /** What each alias names. */
  aliases(): Promise<ReadonlyMap<string, number>>;
  /**
   * The version that an alias (or a number) names; the highest where `champion` names none; undefined where there is none.
   * @throws {GaplineError} `model-invalid` where the alias file is not a version's number.
   */
  resolve(alias: string): Promise<number | undefined>;
  /**
   * Moves an alias, at once for every reader.
   * @throws {GaplineError} `model-missing` where there is no such version.
   */
  point(alias: string, version: number): Promise<void>;
  /** Takes an alias away. Nothing happens where there is none. */
  forget(alias: string): Promise<void>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  manifest(version: number): Promise<Manifest>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  load(version: number): Promise<Model>;
  /** Adds the next version: written aside, then moved into place whole. */
  publish(draft: Draft): Promise<ModelIdentity>;
  folderOf(version: number): string;
}

/** The alias of the version that serves. */
export const championAlias = 'champion';
/** The alias of the version that labels the same readings without serving. */
export const challengerAlias = 'challenger';
/** The alias of the version that served before. */
export const previousAlias = 'previous';
