import { expect, test } from 'vitest';
import { promote, rollback } from './promotion.ts';

/** Only the part of a registry that a promotion needs. */
function registryOf(aliases: Record<string, number>) {
  const named = new Map(Object.entries(aliases));
  return {
    resolve: async (alias: string): Promise<number | undefined> => named.get(alias),
    point: async (alias: string, version: number) => void named.set(alias, version),
    forget: async (alias: string) => void named.delete(alias),
    aliases: async () => named,
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
