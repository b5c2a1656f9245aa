import { createHash } from 'node:crypto';
import type { ObjectStore } from '../core/objects/port.ts';
import type { ExportedFacts, Manifest } from '../core/partitions/manifest.ts';
import { factsKey } from '../core/partitions/names.ts';
import type { SeriesStore } from '../core/store/port.ts';
import { factMeasurement } from '../core/wire/fact-point.ts';
import { maxTimeNs, minTimeNs } from '../core/wire/time.ts';

export interface FactsInput {
  readonly store: Pick<SeriesStore, 'read'>;
  readonly stream: string;
  readonly kinds: readonly string[];
  readonly objects: ObjectStore;
  /** The keys of all objects that are stored. */
  readonly stored: { has(key: string): boolean };
}

/** Characters of one object. */
const mostChars = 16 << 20;

/** Writes the facts of an archive, all of each kind whatever the range: one may have begun long before the readings that it is about. */
export async function exportFacts(input: FactsInput, before: Manifest | undefined): Promise<ExportedFacts[]> {
  const { store, stream, kinds, objects, stored } = input;
  const old = new Map(before?.facts.map((each) => [each.key, each]));
  const found: ExportedFacts[] = [];
  const range = { from: minTimeNs.toString(), to: (maxTimeNs + 1n).toString() };
  for (const kind of kinds) {
    let [text, points, part] = ['', 0, 0];
    const seal = async () => {
      if (points === 0) return;
      const bytes = Buffer.from(text);
      const content = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
      const key = factsKey(kind, part, content);
      const known = stored.has(key) ? old.get(key) : undefined;
      if (known) found.push(known);
      else found.push({ kind, key, points, bytes: bytes.length, ...(await objects.put(key, bytes)) });
      [text, points, part] = ['', 0, part + 1];
    };
    for await (const batch of store.read({ measurement: factMeasurement(stream, kind), range })) {
      for (const { device, time, fields } of batch) {
        text += `${JSON.stringify({ device, time, fields })}\n`;
        points += 1;
        if (text.length >= mostChars) await seal();
      }
    }
    await seal();
  }
  return found;
}
