import { nearName } from '../core/wire/near-name.ts';
import { shorten } from '../core/wire/problem.ts';
import type { Status } from '../core/wire/status.ts';

/** Names that are told apart; fields of further names are counted in the total only. */
const mostNames = 20;

/** Counts the fields that devices send and the stream does not know, by name. Hostile names cost no more than {@link mostNames}. */
export class UnknownFields {
  readonly #known: readonly string[];
  readonly #names = new Map<string, { count: number; readonly near: string | undefined }>();

  constructor(known: readonly string[]) {
    this.#known = known;
  }

  add(name: string): void {
    const short = shorten(name);
    const seen = this.#names.get(short);
    if (seen !== undefined) seen.count += 1;
    else if (this.#names.size < mostNames) this.#names.set(short, { count: 1, near: nearName(short, this.#known) });
  }

  /** For the status report, the most frequent first; undefined while every field was known. */
  report(): Status['unknownFields'] {
    if (this.#names.size === 0) return undefined;
    return [...this.#names]
      .sort(([, left], [, right]) => right.count - left.count)
      .map(([name, { count, near }]) => ({ name, count, ...(near !== undefined && { near }) }));
  }
}
