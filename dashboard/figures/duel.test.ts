import { expect, test } from 'vitest';
import { Classes } from './classes.ts';
import { calibrationError, Duel } from './duel.ts';
import type { SeenPrediction } from './records.ts';

const prediction = (time: number, version: number, more: Partial<SeenPrediction> = {}): SeenPrediction => ({
  device: 'd',
  time: String(time),
  label: 'ham',
  probability: 0.8,
  probabilities: {},
  filled: {},
  gaps: 0,
  model: { name: 'm', version },
  latencyMs: 2,
  ...more,
});

/** Wakes the duel: until a challenger has spoken, champions are not kept. */
function duel(): Duel {
  const made = new Duel(new Classes(10));
  made.takeChallenger(prediction(-1, 2));
  return made;
}

test('predictions of one reading meet, whichever comes first', () => {
  const made = duel();
  for (let time = 0; time < 10; time += 1) {
    const champion = prediction(time, 1, { truth: time < 6 ? 'ham' : 'spam', latencyMs: 2 });
    const challenger = prediction(time, 2, { truth: champion.truth!, label: champion.truth!, latencyMs: 20 });
    if (time % 2 === 0) {
      made.takeChampion(champion);
      made.takeChallenger(challenger);
    } else {
      made.takeChallenger(challenger);
      made.takeChampion(champion);
    }
  }
  const figures = made.figures()!;
  expect(figures).toMatchObject({ readings: 10, agreed: 6, scored: 10 });
  expect(figures.champion).toMatchObject({ version: 1, accuracy: 0.6, calibrationError: 0.2 });
  expect(figures.challenger).toMatchObject({ version: 2, accuracy: 1, f1: 1, calibrationError: 0.2 });
  expect(figures.champion.p50Ms).toBeCloseTo(2, 0);
  expect(figures.challenger.p50Ms! / 20).toBeCloseTo(1, 1);
});

test('a declined label is a miss of its true class, and no class of its own', () => {
  const made = duel();
  for (let time = 0; time < 4; time += 1) {
    const truth = time < 2 ? 'ham' : 'spam';
    made.takeChampion(prediction(time, 1, { truth, label: time === 0 ? 'unknown' : truth }));
    made.takeChallenger(prediction(time, 2, { truth, label: truth }));
  }
  expect(made.figures()).toMatchObject({
    champion: { accuracy: 0.75, f1: Number(((2 / 3 + 1) / 2).toFixed(4)) },
    challenger: { accuracy: 1, f1: 1 },
  });
});

test('the later of the two says who was right, where the truth is known', () => {
  const made = duel();
  expect(made.takeChampion(prediction(1, 1, { truth: 'ham' }))).toBeUndefined();
  expect(made.takeChallenger(prediction(1, 2, { label: 'spam' }))).toEqual({ champion: true, challenger: false });
  expect(made.takeChallenger(prediction(2, 2))).toBeUndefined();
  expect(made.takeChampion(prediction(2, 1))).toBeUndefined();
});

test('without truth there is agreement and latency, no score', () => {
  const made = duel();
  made.takeChampion(prediction(1, 1));
  made.takeChallenger(prediction(1, 2));
  expect(made.figures()).toMatchObject({ readings: 1, agreed: 1, scored: 0, champion: { accuracy: null, f1: null } });
});

test('of an ensemble it says how far the models part on average, of other models nothing', () => {
  const made = duel();
  for (const [time, spread] of [0.1, 0.2, 0.6].entries()) {
    made.takeChampion(prediction(time, 1));
    made.takeChallenger(prediction(time, 2, { spread }));
  }
  expect(made.figures()).toMatchObject({ champion: { spread: null }, challenger: { spread: 0.3 } });
});

test('another version on either side restarts the comparison', () => {
  const made = duel();
  made.takeChampion(prediction(1, 1));
  made.takeChallenger(prediction(1, 2));
  made.takeChampion(prediction(2, 1));
  made.takeChallenger(prediction(2, 3));
  expect(made.figures()).toMatchObject({ readings: 1, challenger: { version: 3 } });
});

test('nothing is shown before both have labelled something', () => {
  const made = new Duel(new Classes(10));
  made.takeChampion(prediction(1, 1));
  made.takeChallenger(prediction(1, 2));
  expect(made.figures()).toBeNull();
});

test('the window slides, and what never meets is forgotten', () => {
  const made = duel();
  for (let time = 0; time < 50_000; time += 1) {
    made.takeChampion(prediction(time, 1, { truth: 'ham' }));
    made.takeChallenger(prediction(time, 2, { truth: 'ham', label: time < 25_000 ? 'spam' : 'ham' }));
    made.takeChampion(prediction(-10 - time, 1));
  }
  const figures = made.figures()!;
  expect(figures.readings).toBeGreaterThanOrEqual(10_000);
  expect(figures.readings).toBeLessThanOrEqual(20_000);
  expect(figures.challenger.accuracy).toBe(1);
});

test('the calibration error is the mean distance of probability and share of right labels', () => {
  const side = (cells: [bin: number, count: number, confidence: number, right: number][]) => {
    const made = { counts: new Float64Array(10), confidences: new Float64Array(10), rights: new Float64Array(10) };
    for (const [bin, count, confidence, right] of cells) {
      made.counts[bin] = count;
      made.confidences[bin] = confidence * count;
      made.rights[bin] = right;
    }
    return made;
  };
  // (60 * |0.95 - 0.9| + 40 * |0.65 - 0.75|) / 100
  expect(calibrationError([side([[9, 60, 0.95, 54]]), side([[6, 40, 0.65, 30]])])).toBeCloseTo(0.07, 10);
  expect(calibrationError([])).toBeNull();
});
