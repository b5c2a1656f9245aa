import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedRandom } from '../../../core/numeric/random/keyed-random.ts';
import { type Fact, factKey } from '../../../core/wire/fact.ts';
import { manners } from './manners.ts';
import { ageOf, patients } from './simulator.ts';

/** A fact as the clerk told it. */
export type Told = Omit<Fact, 'stream' | 'received'>;

const betweenTriesMs = 500;
const answerWithinMs = 20_000;
/** Somebody who is never admitted comes back so much later, each time: what waited of the last visit is then too late. */
const visitMs = 2 * 3_600_000;
const betweenVisitsMs = 1_500;
export const visitor = 'visitor';

const ns = (ms: number): string => `${Math.round(ms)}000000`;

/** Tells the facts of a ward: early, late, corrected, deleted and twice; each correction once what it corrects was accepted. */
export class Clerk {
  readonly #url: string;
  readonly #random: KeyedRandom;
  #stopping = false;
  #isAbandoned = false;
  #work: Promise<unknown> = Promise.resolve();
  /** By key, all that was told of a fact, in its order. The last one was accepted. */
  readonly told = new Map<string, Told[]>();
  /** By how they came, stays. */
  readonly stays: Record<string, number> = {};

  /** @param url - of the collector */
  constructor(url: string, seed: number) {
    this.#url = url;
    this.#random = new KeyedRandom().at(seed, 0, 0);
  }

  start(): void {
    this.#work = Promise.all([...patients.map((patient, at) => this.#keep(patient, at)), this.#visit()]);
    // Told by `stop`.
    this.#work.catch(() => {});
  }

  /** Resolves once what was being told is accepted. Rejects where the collector refused something for good. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#work;
  }

  /** Ends what is under way, accepted or not. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true;
    await this.stop().catch(() => {});
  }

  async #keep(patient: string, at: number): Promise<void> {
    // Of the last one the age is never known: its readings wait.
    if (at < patients.length - 1) {
      await this.#until(Date.now() + at * 1_000);
      await this.#tell({ subject: patient, kind: 'age', from: ns(Date.UTC(1990, 0, 1)), values: { age: ageOf(at) } });
    }
    const names = Object.keys(manners);
    let fromMs = Date.now() + this.#random.next() * 5_000;
    while (!this.#stopping) {
      const name = names[Math.floor(this.#random.next() * names.length)] ?? 'early';
      const toMs = fromMs + 6_000 + this.#random.next() * 14_000;
      await this.#tellStay(patient, name, Math.round(fromMs), Math.round(toMs));
      this.stays[name] = (this.stays[name] ?? 0) + 1;
      fromMs = toMs + 2_000 + this.#random.next() * 6_000;
    }
  }

  async #tellStay(subject: string, name: string, fromMs: number, toMs: number): Promise<void> {
    for (const telling of manners[name]?.(fromMs, toMs) ?? []) {
      await this.#until(telling.atMs);
      if (this.#stopping) return;
      await this.#tell({
        ...{ subject, kind: 'admission', from: ns(fromMs) },
        ...(telling.toMs !== undefined && { to: ns(telling.toMs) }),
        values: telling.isDeleted ? null : {},
      });
    }
  }

  async #visit(): Promise<void> {
    for (let timeMs = Date.UTC(2026, 0, 1); !this.#stopping; timeMs += visitMs) {
      await this.#post('/readings', { device: visitor, time: ns(timeMs), values: { pulse: 60, breath: 12 } });
      await this.#until(Date.now() + betweenVisitsMs);
    }
  }

  async #tell(fact: Told): Promise<void> {
    const key = factKey(fact);
    this.told.set(key, [...(this.told.get(key) ?? []), fact]);
    await this.#post('/facts', fact);
  }

  /** Until it is accepted, however long that takes. */
  async #post(path: string, body: object): Promise<void> {
    while (!this.#isAbandoned) {
      const status = await fetch(this.#url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(answerWithinMs),
      }).then(
        async (answer) => {
          await answer.arrayBuffer().catch(() => {});
          return answer.status;
        },
        () => 0,
      );
      if (status === 202) return;
      if (status >= 400 && status < 500 && status !== 408 && status !== 429)
        throw new Error(`the collector refused ${JSON.stringify(body)}: ${status}`);
      await sleep(betweenTriesMs);
    }
  }

  async #until(atMs: number): Promise<void> {
    while (!this.#stopping && Date.now() < atMs) await sleep(Math.min(200, atMs - Date.now()));
  }
}
