import type { SeriesStore } from '../core/store/port.ts';
import type { Fact, FactKinds } from '../core/wire/fact.ts';
import { factMeasurement, factOfPoint } from '../core/wire/fact-point.ts';
import { maxTimeNs, minTimeNs } from '../core/wire/time.ts';

/** Facts of more than this are no data set to train from. */
const mostFacts = 5_000_000;

/** All facts of a stream that the archive holds, whatever the range of the readings: one may have begun long before. */
export async function readArchivedFacts(
  store: Pick<SeriesStore, 'read'>,
  stream: string,
  kinds: FactKinds,
): Promise<Fact[]> {
  const facts: Fact[] = [];
  const range = { from: minTimeNs.toString(), to: maxTimeNs.toString() };
  for (const kind of Object.keys(kinds))
    for await (const points of store.read({ measurement: factMeasurement(stream, kind), range }))
      for (const point of points) {
        const fact = factOfPoint(point, stream, kind);
        if (fact && facts.length < mostFacts) facts.push(fact);
      }
  return facts;
}
