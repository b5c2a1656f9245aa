import * as all from './all.ts';
import type { GapContext, GapPattern, GapPatternKind } from './pattern.ts';

export type GapPatternName = keyof typeof all;

const kinds: Readonly<Record<GapPatternName, GapPatternKind>> = all;

/** The names of all patterns, in alphabetical order: that of a module's names differs between the ways to load it. */
export const gapPatterns = (Object.keys(kinds) as GapPatternName[]).sort();

/** `NAME: what it is; …`, for the documents of `stream.yaml`. */
export const aboutGapPatterns = gapPatterns.map((name) => `${name}: ${kinds[name].about}`).join('; ');

/** A pattern by its name. */
export const chooseGaps = (name: GapPatternName, context: GapContext): GapPattern => kinds[name].create(context);
