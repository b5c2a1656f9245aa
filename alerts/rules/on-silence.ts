import type { StoredRecord } from '../../core/log/port.ts';
import { type Alert, decodeTick } from '../../core/wire/alert.ts';
import { decodeRecord } from '../../core/wire/decode-samples.ts';
import type { Stream } from '../../core/wire/stream.ts';
import { type Episode, originOf } from './episode.ts';
import type { SilentRule } from './rule.ts';
import type { DraftedRule, RuleDraft } from './rule-book.ts';

/** A device that is silent for so much longer than its rule allows is taken to be gone, so that its place is free. */
const goneNs = 30n * 86_400_000_000_000n;
const nsPerMs = 1_000_000n;

/** Alerts that one tick raises, at most, so that an outage of all devices is no transaction without bound. The next tick raises the rest. */
export const mostOfOneTick = 2_000;

/**
 * Lets the arrival of readings, and ticks, decide which devices are silent. A batch is of one topic.
 * What a device comes to depends on its last arrival and the ticks alone, not on how readings and ticks alternate: a tick follows what had
 * arrived by its time. So a replay may take all readings first.
 */
export function judgeSilence(stream: Stream, records: readonly StoredRecord[], draft: RuleDraft<SilentRule>): void {
  if (records[0]?.topic === stream.topics.readings) {
    const heard = lastArrivals(stream, records);
    for (const each of draft.rules) for (const [device, at] of heard) hear(draft, each, device, at);
    return;
  }
  for (const record of records) {
    const tick = decodeTick(record.value);
    if (typeof tick !== 'string' && tick.kind === 'time') findSilent(draft, record, BigInt(tick.at));
  }
}

function hear(draft: RuleDraft<SilentRule>, of: DraftedRule<SilentRule>, device: string, at: bigint): void {
  const before = of.draft.get(device);
  if (before?.firing) {
    const { since, origin = '' } = before;
    draft.raise(of.rule, device, { state: 'resolved', since, origin, at, details: {}, reason: 'readings again' });
  }
  const since = before && before.since > at ? before.since : at;
  of.draft.set(device, { since, run: 0, firing: false });
}

function findSilent(draft: RuleDraft<SilentRule>, record: StoredRecord, at: bigint): void {
  const origin = originOf(record);
  let room = mostOfOneTick;
  for (const of of draft.rules) {
    for (const [device, episode] of [...of.draft.entries()]) {
      const state = newsOf(episode, of.rule, at);
      if (state === undefined) continue;
      if (room === 0) {
        draft.leaveRest();
        return;
      }
      room -= 1;
      if (state === 'firing') fall(draft, of, device, { ...episode, origin }, at);
      else forget(draft, of, device, episode, at);
    }
  }
}

/** What a tick makes of a device; undefined where that is nothing new. */
function newsOf({ since, firing }: Episode, { silentNs }: SilentRule, at: bigint): Alert['state'] | undefined {
  if (firing) return at - since >= silentNs + goneNs ? 'resolved' : undefined;
  return at - since >= silentNs ? 'firing' : undefined;
}

type Judged = [draft: RuleDraft<SilentRule>, of: DraftedRule<SilentRule>, device: string, episode: Episode, at: bigint];

function fall(...[draft, of, device, { since, origin = '' }, at]: Judged): void {
  of.draft.set(device, { since, run: 0, firing: true, origin });
  const details = { value: Number((at - since) / nsPerMs) / 1_000 };
  draft.raise(of.rule, device, { state: 'firing', since, origin, at, details });
}

function forget(...[draft, of, device, { since, origin = '' }, at]: Judged): void {
  of.draft.set(device, undefined);
  draft.raise(of.rule, device, { state: 'resolved', since, origin, at, details: {}, reason: 'gone for 30 days' });
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
