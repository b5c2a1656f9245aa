import { expect, test } from 'vitest';
import { type Card, plan } from './plan.ts';

const cards: Card[] = [
  { name: 'kill a', touches: ['a'], seconds: 3 },
  { name: 'stop a', touches: ['a'], seconds: 22 },
  { name: 'kill b', touches: ['b'], seconds: 3 },
  { name: 'stop b', touches: ['b'], seconds: 22 },
  { name: 'cut both', touches: ['a', 'b'], seconds: 10 },
];
const secondsOf = new Map(cards.map((card) => [card.name, card]));

test('a seed gives the same plan, another seed another', () => {
  const of = (seed: number) => plan({ cards, seconds: 600, seed });
  expect(of(7)).toEqual(of(7));
  expect(of(7)).not.toEqual(of(8));
});

test('every kind comes, none a third time before all came twice, and none lasts past the end', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const steps = plan({ cards, seconds: 600, seed });
    const counts = cards.map(({ name }) => steps.filter((step) => step.name === name).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    for (const { atSeconds, name } of steps)
      expect(atSeconds + secondsOf.get(name)!.seconds).toBeLessThanOrEqual(600.1);
  }
});

test('faults that touch the same part never overlap, and others do', () => {
  let beside = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const steps = plan({ cards, seconds: 600, seed });
    for (const [index, one] of steps.entries()) {
      for (const other of steps.slice(index + 1)) {
        const [first, second] = [one, other].sort((left, right) => left.atSeconds - right.atSeconds);
        if (second!.atSeconds >= first!.atSeconds + secondsOf.get(first!.name)!.seconds) continue;
        beside += 1;
        const touched = secondsOf.get(first!.name)!.touches;
        expect(secondsOf.get(second!.name)!.touches.filter((part) => touched.includes(part))).toEqual([]);
      }
    }
  }
  expect(beside).toBeGreaterThan(0);
});
