import type { StoredRecord } from '../../core/log/port.ts';
import { decodeTick } from '../../core/wire/alert.ts';
import { decodeRecord } from '../../core/wire/decode-samples.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { SilentRule } from './rule.ts';
import type { DraftedRule, RuleDraft } from './rule-book.ts';

/** A device that is silent for so much longer than its rule allows is taken to be gone, so that its place is free. */
const goneNs = 30n * 86_400_000_000_000n;
const nsPerMs = 1_000_000n;

/** Lets the arrival of readings, and ticks, decide which devices are silent. A batch is of one topic. */
export function judgeSilence(stream: Stream, records: readonly StoredRecord[], draft: RuleDraft<SilentRule>): void {
  if (records[0]?.topic === stream.topics.readings) {
    const heard = lastArrivals(stream, records);
    for (const each of draft.rules) for (const [device, at] of heard) hear(draft, each, device, at);
    return;
  }
  // Of several ticks the last one says all.
  const at = records.reduce((latest, { value }) => {
    const tick = decodeTick(value);
    return typeof tick !== 'string' && tick.kind === 'time' && BigInt(tick.at) > latest ? BigInt(tick.at) : latest;
  }, 0n);
  for (const each of draft.rules) findSilent(draft, each, at);
}

function hear(draft: RuleDraft<SilentRule>, of: DraftedRule<SilentRule>, device: string, at: bigint): void {
  const before = of.draft.get(device);
  if (before?.firing)
    draft.raise(of.rule, device, { state: 'resolved', since: before.since, at, details: {}, reason: 'readings again' });
  const since = before && !before.firing && before.since > at ? before.since : at;
  of.draft.set(device, { since, run: 0, firing: false });
}

function findSilent(draft: RuleDraft<SilentRule>, of: DraftedRule<SilentRule>, at: bigint): void {
  for (const [device, { since, firing }] of [...of.draft.entries()]) {
    const silentNs = at - since;
    if (!firing && silentNs >= of.rule.silentNs) {
      of.draft.set(device, { since, run: 0, firing: true });
      const details = { value: Number(silentNs / nsPerMs) / 1_000 };
      draft.raise(of.rule, device, { state: 'firing', since, at, details });
    } else if (firing && silentNs >= of.rule.silentNs + goneNs) {
      of.draft.set(device, undefined);
      draft.raise(of.rule, device, { state: 'resolved', since, at, details: {}, reason: 'gone for 30 days' });
    }
  }
}

/** By device, when its last reading arrived, in nanoseconds. */
function lastArrivals(stream: Stream, records: readonly StoredRecord[]): ReadonlyMap<string, bigint> {
  const own = Buffer.from(`{"stream":${JSON.stringify(stream.name)},`);
  const arrivals = new Map<string, bigint>();
  for (const { key, value, arrivedMs } of records) {
    if (key !== null && isOf(stream, own, value)) arrivals.set(key, BigInt(Math.round(arrivedMs)) * nsPerMs);
  }
  return arrivals;
}

/** Streams may share a topic. The collector writes a reading's stream first, so that most need not be read whole. */
function isOf({ name }: Stream, own: Uint8Array, value: Uint8Array): boolean {
  if (Buffer.compare(value.subarray(0, own.length), own) === 0) return true;
  const reading = decodeRecord(value);
  return typeof reading !== 'string' && reading.stream === name;
}
