import { z } from 'zod';
import type { Table } from '../rows.ts';
import * as all from './all.ts';
import type { Imputer } from './imputer.ts';
import type { ImputerKind } from './imputer-kind.ts';

type Kinds = typeof all;
type Kind = Kinds[keyof Kinds];
type Both<Union> = (Union extends unknown ? (each: Union) => void : never) extends (both: infer All) => void
  ? All
  : never;

/** A fitted imputer as it stands in `model.json`. */
export type FittedImputer = z.output<Kind['fitted']>;

/** Which imputer is to be fitted, and its options. */
export type ImputerSpec = {
  [Name in keyof Kinds]: { readonly kind: Kinds[Name]['kind'] } & Parameters<Kinds[Name]['fit']>[1];
}[keyof Kinds];

// The order of a module's names differs between the ways to load it.
const kinds: readonly Kind[] = Object.values(all).sort((a, b) => (a.kind < b.kind ? -1 : 1));

/** The names of all imputers. */
export const imputerNames = kinds.map(({ kind }) => kind) as [Kind['kind'], ...Kind['kind'][]];

/** Of each imputer, the options with which its suite runs. */
export const testedImputers = kinds.flatMap(({ kind, tested }) =>
  tested.map((options) => ({ kind, ...options })),
) as ImputerSpec[];

/** Keys of `training` that the imputers read. */
export const imputerSettings = Object.assign({}, ...kinds.map(({ settings }) => settings)) as Both<Kind['settings']>;

const fittedSchemas = kinds.map(({ fitted }) => fitted) as [Kind['fitted'], ...Kind['fitted'][]];
export const fittedImputerSchema = z.discriminatedUnion('kind', fittedSchemas);

/** What is called on a kind that is known by its name only; the schema or `ImputerSpec` made sure that both belong together. */
type AnyKind = ImputerKind<string, z.ZodRawShape, object, z.ZodType<FittedImputer>>;
const byName = new Map(kinds.map((kind) => [kind.kind, kind as unknown as AnyKind]));

function kindOf(name: Kind['kind']): AnyKind {
  const kind = byName.get(name);
  if (!kind) throw new TypeError(`There is no imputer ${name}`);
  return kind;
}

/** What `training` of stream.yaml asks for. */
export const imputerSpec = (kind: Kind['kind'], settings: z.output<z.ZodObject<typeof imputerSettings>>): ImputerSpec =>
  ({ kind, ...kindOf(kind).options(settings) }) as ImputerSpec;

/** Learns from rows with gaps what an imputer needs. The same rows give the same result. */
export const fitImputer = (table: Table, spec: ImputerSpec): FittedImputer => kindOf(spec.kind).fit(table, spec);

/** Opens a fitted imputer. */
export const openImputer = (fitted: FittedImputer): Imputer => kindOf(fitted.kind).open(fitted);
