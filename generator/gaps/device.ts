import type { GapPattern, GapPatternKind } from './pattern.ts';
import { isSilent, silenceMemory, silenceSteps } from './silence.ts';

export const device: GapPatternKind = {
  about: 'a whole device silent',
  create: ({ length }) => deviceGaps(length),
};

/** A whole device is silent for a while: its readings still come, with nothing but gaps, so that they are labelled and counted. */
export function deviceGaps(meanLength: number): GapPattern {
  return {
    memory: silenceMemory,
    open() {
      let silent = false;
      return {
        mask(values, n, rate, random) {
          silent = isSilent(silent, n, rate, silenceSteps(rate, meanLength), random.next());
          if (silent) values.fill(Number.NaN);
        },
      };
    },
  };
}
