import type { ObjectInfo } from '../core/objects/port.ts';
import { type ExportedObject, inOrder, keysOf, type Manifest } from '../core/partitions/manifest.ts';
import type { ValueColumn } from '../core/partitions/rows.ts';

/** Objects of a run that died are deleted after this time: another run may be using them. */
const abandonedMs = 86_400_000;

/** An object of this run: as the manifest names it, and whether this run wrote it. */
export interface FoundObject extends ExportedObject {
  readonly isNew: boolean;
}

/** Where a set of columns stands among those of a manifest; behind them where it is new. */
export function setOf(before: Manifest | undefined, columns: readonly ValueColumn[]) {
  const sets: (readonly ValueColumn[])[] = [...(before?.columns ?? [])];
  const text = JSON.stringify(columns);
  const index = sets.findIndex((set) => JSON.stringify(set) === text);
  if (index >= 0) return { index, sets };
  return { index: sets.push(columns) - 1, sets };
}

/**
 * What the export consists of: for each day of a device the objects of this run, or those from before where the archive holds none of it
 * any more, or fewer rows, because its retention has deleted some.
 */
export function settle(before: Manifest | undefined, found: readonly FoundObject[]) {
  const groupOf = ({ day, device }: ExportedObject) => `${day}/${device}`;
  const [old, now] = [Map.groupBy(before?.objects ?? [], groupOf), Map.groupBy(found, groupOf)];
  const rowsIn = (group: readonly ExportedObject[]) => group.reduce((sum, { rows }) => sum + rows, 0);
  const kept: ExportedObject[] = [];
  const dropped: string[] = [];
  let keptLonger = 0;
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(name) ?? [], now.get(name) ?? []];
    if (rowsIn(is) >= rowsIn(was)) {
      for (const { isNew: _, ...object } of is) kept.push(object);
      continue;
    }
    kept.push(...was);
    if (is.length === 0) continue;
    keptLonger += 1;
    const keys = new Set(was.map(({ key }) => key));
    dropped.push(...is.filter(({ isNew, key }) => isNew && !keys.has(key)).map(({ key }) => key));
  }
  return { kept: kept.sort(inOrder), dropped, keptLonger };
}

/** Objects that nobody reads any more. */
export function leftovers(
  manifest: Manifest,
  before: Manifest | undefined,
  stored: ReadonlyMap<string, ObjectInfo>,
): string[] {
  const named = new Set([...keysOf(manifest), ...manifest.replaced]);
  const replaced = new Set(before?.replaced);
  const isOld = ({ modifiedMs }: ObjectInfo) => Date.now() - modifiedMs > abandonedMs;
  const unused = Array.from(stored.values()).filter(({ key }) => !named.has(key));
  return unused.filter((info) => replaced.has(info.key) || isOld(info)).map(({ key }) => key);
}
