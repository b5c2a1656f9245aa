/** One thing that is told of a stay. */
export interface Telling {
  readonly atMs: number;
  /** Undefined: it is not known yet, or it is deleted. */
  readonly toMs?: number | undefined;
  readonly isDeleted?: boolean;
}

type Manner = (fromMs: number, toMs: number) => readonly Telling[];

const middle = (fromMs: number, toMs: number) => Math.round((fromMs + toMs) / 2);

/** How the facts of a stay come: by name. */
export const manners: Readonly<Record<string, Manner>> = {
  early: (fromMs, toMs) => [{ atMs: fromMs - 4_000, toMs }],
  open: (fromMs, toMs) => [{ atMs: fromMs }, { atMs: toMs + 1_000, toMs }],
  late: (fromMs, toMs) => [{ atMs: middle(fromMs, toMs), toMs }],
  afterwards: (_fromMs, toMs) => [{ atMs: toMs + 3_000, toMs }],
  extended: (fromMs, toMs) => [
    { atMs: fromMs, toMs: middle(fromMs, toMs) },
    { atMs: toMs + 1_000, toMs },
  ],
  shortened: (fromMs, toMs) => [
    { atMs: fromMs, toMs },
    { atMs: toMs + 1_000, toMs: middle(fromMs, toMs) },
  ],
  deleted: (fromMs, toMs) => [
    { atMs: fromMs, toMs },
    { atMs: middle(fromMs, toMs), isDeleted: true },
  ],
  twice: (fromMs, toMs) => [
    { atMs: fromMs, toMs },
    { atMs: fromMs + 1_000, toMs },
  ],
};
