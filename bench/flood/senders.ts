import { setTimeout as sleep } from 'node:timers/promises';
import { Wire } from '../../test/fuzz/wire.ts';
import { fate, type Readings } from './readings.ts';

/** What the senders saw. */
export class Seen {
  readonly statuses: Record<string, number> = {};
  /** Of requests that were accepted, in milliseconds. */
  readonly latenciesMs: number[] = [];
  accepted = 0;
  /** Requests that were due while no connection was free. */
  crowded = 0;

  note(status: number | string, ms: number, readings: number): void {
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    if (status !== 202) return;
    this.latenciesMs.push(ms);
    this.accepted += readings;
  }

  latencyMs(share: number): number {
    const sorted = Float64Array.from(this.latenciesMs).sort();
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  }
}

const send = async (wire: Wire, readings: Readings, device: number, first: number, seen: Seen) => {
  const began = performance.now();
  const { status } = await wire.ask(readings.request(device, first));
  seen.note(status, performance.now() - began, readings.batch);
  const refused = status === 429 || status === 503;
  const outcome = status === 202 ? fate.accepted : refused ? fate.refused : fate.unknown;
  readings.note(device, first, outcome);
  return outcome;
};

export interface FloodOptions {
  readonly url: string;
  readonly readings: Readings;
  /** Readings a second, whatever the responses are. */
  readonly rate: number;
  readonly connections: number;
  readonly seconds: number;
}

/** Sends at a fixed rate, whatever the responses are; refused readings are not sent again. */
export async function flood({ url, readings, rate, connections, seconds }: FloodOptions): Promise<Seen> {
  const seen = new Seen();
  const free = Array.from({ length: connections }, () => new Wire(url));
  const wires = [...free];
  const underWay = new Set<Promise<void>>();
  const began = performance.now();
  let due = 0;
  let next = 0;
  const capacity = Math.floor(readings.perDevice / readings.batch) * readings.devices;
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - began) / 1_000) {
    const wanted = Math.floor((elapsed * rate) / readings.batch);
    for (; due < wanted; due += 1) {
      const wire = next < capacity ? free.pop() : undefined;
      if (wire === undefined) {
        seen.crowded += 1;
        continue;
      }
      const [device, first] = [next % readings.devices, Math.floor(next / readings.devices) * readings.batch];
      next += 1;
      const sent = send(wire, readings, device, first, seen).then(() => {
        free.push(wire);
        underWay.delete(sent);
      });
      underWay.add(sent);
    }
    await sleep(2);
  }
  await Promise.all(underWay);
  for (const wire of wires) wire.close();
  return seen;
}

/** Every device sends all that it has, each batch once it has the response to the one before. What is refused is not sent again. */
export async function polite({ url, readings }: { url: string; readings: Readings }): Promise<Seen> {
  const seen = new Seen();
  await Promise.all(
    Array.from({ length: readings.devices }, async (_, device) => {
      const wire = new Wire(url);
      for (let first = 0; first + readings.batch <= readings.perDevice; first += readings.batch)
        await send(wire, readings, device, first, seen);
      wire.close();
    }),
  );
  return seen;
}

/** Every device sends all that it has, a batch at a time, and again what was refused. */
export async function returnOfAll(options: { url: string; readings: Readings; retryMs: number }): Promise<Seen> {
  const { url, readings, retryMs } = options;
  const seen = new Seen();
  await Promise.all(
    Array.from({ length: readings.devices }, async (_, device) => {
      const wire = new Wire(url);
      for (let first = 0; first + readings.batch <= readings.perDevice; first += readings.batch) {
        while ((await send(wire, readings, device, first, seen)) !== fate.accepted)
          await sleep(retryMs * (0.5 + Math.random()));
      }
      wire.close();
    }),
  );
  return seen;
}
