import type { Source } from '../source.ts';
import { burstGaps } from './burst.ts';
import { deviceGaps } from './device.ts';
import type { GapPattern, GapPatternName } from './pattern.ts';
import { randomGaps } from './random.ts';
import { valueGaps } from './value.ts';

/** @param length - mean length of a burst or a silence, in readings of a device */
export function chooseGaps(pattern: GapPatternName, length: number, source: Source): GapPattern {
  switch (pattern) {
    case 'random':
      return randomGaps();
    case 'burst':
      return burstGaps(length, source.fields.length);
    case 'device':
      return deviceGaps(length);
    case 'value':
      return valueGaps(source.fields.map((_, field) => source.distribution(field)));
  }
}
