import type { Artifact, ArtifactSource, Draft } from '../artifact.ts';
import type { Manifest } from '../manifest.ts';
import type { Model, ModelIdentity, ModelSource } from '../model.ts';
import type { Move } from './history.ts';

/** Where the versions of one model are kept: a folder, or MLflow. Versions are immutable; aliases move. */
export interface RegistryEngine {
  /** For messages. */
  readonly title: string;
  /** Numbers of versions, ascending; empty where there is none. */
  versions(): Promise<number[]>;
  /** What each alias names. */
  aliases(): Promise<ReadonlyMap<string, number>>;
  /** What one alias names. */
  alias(name: string): Promise<number | undefined>;
  /** The newest version that a run made; undefined where none was registered of it, or the engine knows no runs. */
  versionOfRun(id: string): Promise<number | undefined>;
  /** Moves an alias, at once for every reader. The version is there. */
  setAlias(name: string, version: number): Promise<void>;
  /** Nothing happens where there is no such alias. */
  removeAlias(name: string): Promise<void>;
  /** The files of a version. */
  source(version: number): Promise<ArtifactSource>;
  /** Adds the next version: nobody sees a part of it. */
  publish(draft: Draft): Promise<ModelIdentity>;
  /** Where a person finds a version: its folder, or its page. */
  placeOf(version: number): string;
  record(move: Move): Promise<void>;
  /** In the order of time. */
  history(): Promise<Move[]>;
}

/** The versions of one model. */
export interface Registry extends ModelSource {
  /** Ascending; empty where there is none. */
  versions(): Promise<number[]>;
  /** What each alias names. */
  aliases(): Promise<ReadonlyMap<string, number>>;
  /**
   * The version that an alias names, or a number, or `runs:/ID`, a run of MLflow; the highest where `champion` names none; undefined where there is none.
   * @throws {GaplineError} `model-invalid` where the alias file is not a version's number.
   */
  resolve(alias: string): Promise<number | undefined>;
  /**
   * The version that is to serve: what the alias names that the registry was opened for. While the registry does not respond, what it
   * named last, where versions are cached.
   */
  serving(): Promise<number | undefined>;
  /**
   * Moves an alias, at once for every reader.
   * @throws {GaplineError} `model-missing` where there is no such version.
   */
  point(alias: string, version: number): Promise<void>;
  /** Takes an alias away. Nothing happens where there is none. */
  forget(alias: string): Promise<void>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  manifest(version: number): Promise<Manifest>;
  /** The manifest and the files. @throws {GaplineError} `model-missing`, `model-invalid` */
  artifact(version: number): Promise<Artifact>;
  /** @throws {GaplineError} `model-missing`, `model-invalid` */
  load(version: number): Promise<Model>;
  /** Adds the next version: nobody sees a part of it. */
  publish(draft: Draft): Promise<ModelIdentity>;
  /** Where a person finds a version: its folder, or its page. */
  placeOf(version: number): string;
  /** Writes down that another version became the champion. */
  record(move: Move): Promise<void>;
  /** Which version became the champion when, in the order of time. */
  history(): Promise<Move[]>;
}

/** The alias of the version that serves. */
export const championAlias = 'champion';
/** The alias of the version that labels the same readings without serving. */
export const challengerAlias = 'challenger';
/** The alias of the version that served before. */
export const previousAlias = 'previous';

export const aliasPattern = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;
export const versionPattern = /^[1-9]\d{0,8}$/;
/** A run of MLflow, by its id; what the run calls the model may follow. */
export const runPattern = /^runs:\/+([A-Za-z0-9_-]{1,64})(?:\/model)?\/?$/;
