import { expect, it } from 'vitest';
import { describePromotion } from './promotion.ts';

const at = '2026-01-01T00:00:00.000Z';

it.each([
  [{ to: 1, by: 'there was none' }, 'version 1 serves: there was none'],
  [{ from: 1, to: 2, who: 'ada', by: 'f1 0.97 > 0.96' }, 'version 2 took over from version 1, by ada: f1 0.97 > 0.96'],
  [{ from: 2, to: 1, seen: true as const }, 'version 1 took over from version 2, moved without Gapline'],
])('says of %o that %s', (promotion, words) => {
  expect(describePromotion({ at, ...promotion })).toBe(words);
});
