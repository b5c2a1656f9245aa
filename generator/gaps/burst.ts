import type { GapPattern, GapPatternKind } from './pattern.ts';
import { isSilent, silenceMemory, silenceSteps } from './silence.ts';

export const burst: GapPatternKind = {
  about: 'a sensor silent for a while',
  create: ({ length, source }) => burstGaps(length, source.fields.length),
};

/** Each sensor of a device is silent for a while, independently of the others. */
export function burstGaps(meanLength: number, fields: number): GapPattern {
  return {
    memory: silenceMemory,
    open() {
      const silent = new Uint8Array(fields);
      return {
        mask(values, n, rate, random) {
          const steps = silenceSteps(rate, meanLength);
          for (let field = 0; field < fields; field++) {
            const now = isSilent(silent[field] === 1, n, rate, steps, random.next());
            silent[field] = now ? 1 : 0;
            if (now) values[field] = Number.NaN;
          }
        },
      };
    },
  };
}
