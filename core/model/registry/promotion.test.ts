import { expect, test } from 'vitest';
import type { Move } from './history.ts';
import { promote, rollback } from './promotion.ts';

/** Only the part of a registry that a promotion needs. */
function registryOf(aliases: Record<string, number>) {
  const named = new Map(Object.entries(aliases));
  const moves: Move[] = [];
  return {
    resolve: async (alias: string): Promise<number | undefined> => named.get(alias),
    point: async (alias: string, version: number) => void named.set(alias, version),
    forget: async (alias: string) => void named.delete(alias),
    aliases: async () => named,
    record: async (move: Move) => void moves.push(move),
    history: async () => moves,
  };
}

test('the promoted version serves, the one before is kept as previous', async () => {
  const registry = registryOf({ champion: 1 });
  expect(await promote(registry, 2)).toEqual({ from: 1, to: 2 });
  expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 2, previous: 1 });
});

test('promoting what serves already changes nothing', async () => {
  const registry = registryOf({ champion: 2, previous: 1 });
  await promote(registry, 2);
  expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 2, previous: 1 });
});

test('a promoted challenger is the challenger no longer; another stays', async () => {
  const promoted = registryOf({ champion: 1, challenger: 2 });
  await promote(promoted, 2);
  expect(await promoted.resolve('challenger')).toBeUndefined();
  const other = registryOf({ champion: 1, challenger: 3 });
  await promote(other, 2);
  expect(await other.resolve('challenger')).toBe(3);
});

test('a rollback goes one step back, a second one forward again', async () => {
  const registry = registryOf({ champion: 1 });
  await promote(registry, 2);
  expect(await rollback(registry)).toEqual({ from: 2, to: 1 });
  expect(await rollback(registry)).toEqual({ from: 1, to: 2 });
});

test('where nothing served before there is nothing to go back to', async () => {
  await expect(rollback(registryOf({ champion: 1 }))).rejects.toThrow('no version served before');
});

/** A registry that fails at its nth change, as if the process were killed there. */
function interruptedAt(registry: ReturnType<typeof registryOf>, change: number) {
  let changes = 0;
  const counted = <T extends unknown[]>(work: (...args: T) => Promise<void>) => {
    return async (...args: T): Promise<void> => {
      changes += 1;
      if (changes === change) throw new Error('killed');
      await work(...args);
    };
  };
  return {
    ...registry,
    point: counted(registry.point),
    forget: counted(registry.forget),
    record: counted(registry.record),
  };
}

test.each([1, 2, 3, 4])(
  'a promotion that is interrupted at its change %i is finished by a repetition',
  async (change) => {
    const registry = registryOf({ champion: 2, previous: 1, challenger: 3 });
    await expect(promote(interruptedAt(registry, change), 3)).rejects.toThrow('killed');
    await promote(registry, 3);
    expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 3, previous: 2 });
    expect((await registry.history()).map(({ from, to }) => [from, to])).toEqual([[2, 3]]);
  },
);

test.each([1, 2, 3])('a rollback that is interrupted at its change %i is finished by a repetition', async (change) => {
  const registry = registryOf({ champion: 1 });
  await promote(registry, 2, { who: 'ada', by: 'f1' });
  await expect(rollback(interruptedAt(registry, change))).rejects.toThrow('killed');
  expect((await rollback(registry)).to).toBe(1);
  expect(Object.fromEntries(await registry.aliases())).toEqual({ champion: 1, previous: 2 });
  expect(await registry.history()).toMatchObject([
    { from: 1, to: 2, who: 'ada', by: 'f1' },
    { from: 2, to: 1, by: 'rollback' },
  ]);
});
