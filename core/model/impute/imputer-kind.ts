import type { z } from 'zod';
import type { Table } from '../rows.ts';
import type { Imputer } from './imputer.ts';

/** A kind of imputer: how it is configured, fitted, kept in `model.json` and opened. */
export interface ImputerKind<
  Name extends string,
  Settings extends z.ZodRawShape,
  Options extends object,
  Schema extends z.ZodType<{ kind: Name }>,
> {
  /** The name in `training.imputer` and in `model.json`. */
  readonly kind: Name;
  /** Keys of `training` in stream.yaml that it reads; each has a default and a description. */
  readonly settings: Settings;
  /** What those keys mean for `fit`. */
  options(settings: z.output<z.ZodObject<Settings>>): Options;
  /** What `fit` returns, as it stands in `model.json`; plain JSON. */
  readonly fitted: Schema;
  /** Learns from rows with gaps. The same rows and options give the same result. */
  fit(table: Table, options: NoInfer<Options>): z.output<Schema>;
  open(fitted: z.output<Schema>): Imputer;
  /** Options with which the suite of all imputers runs on it: at least one. */
  readonly tested: readonly [NoInfer<Options>, ...NoInfer<Options>[]];
}

/** Declares a kind with the types of its parts. */
export const imputerKind = <
  const Name extends string,
  Settings extends z.ZodRawShape,
  Options extends object,
  Schema extends z.ZodType<{ kind: Name }>,
>(
  kind: ImputerKind<Name, Settings, Options, Schema>,
): ImputerKind<Name, Settings, Options, Schema> => kind;
