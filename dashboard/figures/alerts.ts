import { type AlertDelivery, decodeAlertRecord } from '../../core/wire/alert.ts';
import type { AlertView } from '../events.ts';

/** What an alert was last told to be, and what became of that at each webhook. */
interface Known {
  readonly view: Omit<AlertView, 'deliveries'>;
  readonly deliveries: Map<string, AlertDelivery['outcome']>;
}

/** The newest alerts, put together from their records. Bounded: those that were resolved give way first. */
export class AlertList {
  /** Records that are neither an alert nor a delivery. */
  malformed = 0;
  readonly #known = new Map<string, Known>();
  readonly #stream: string;
  readonly #most: number;

  /** @param most - alerts that are kept */
  constructor(stream: string, most: number) {
    this.#stream = stream;
    this.#most = most;
  }

  take(value: Uint8Array): void {
    const record = decodeAlertRecord(value);
    if (typeof record === 'string') {
      this.malformed += 1;
      return;
    }
    if (record.stream !== this.#stream) return;
    if (record.kind === 'delivery') {
      const known = this.#known.get(record.id);
      // One of the firing may come after the alert was resolved: its place is the same, the later state counts.
      if (known?.view.state === record.state) known.deliveries.set(record.webhook, record.outcome);
      return;
    }
    // Promotions stand with the model.
    if (record.kind !== 'alert') return;
    const { id, rule, subject, state, since, at, text } = record;
    this.#known.delete(id);
    this.#known.set(id, { view: { id, rule, subject, state, since, at, text }, deliveries: new Map() });
    if (this.#known.size > this.#most) this.#forgetOne();
  }

  /** Newest first, those that fire before all others. */
  views(most = this.#most): AlertView[] {
    const views = Array.from(this.#known.values(), ({ view, deliveries }) => ({
      ...view,
      deliveries: Object.fromEntries(deliveries),
    }));
    const firing = views.filter(({ state }) => state === 'firing').reverse();
    const resolved = views.filter(({ state }) => state === 'resolved').reverse();
    return [...firing, ...resolved].slice(0, most);
  }

  get firing(): number {
    let count = 0;
    for (const { view } of this.#known.values()) count += view.state === 'firing' ? 1 : 0;
    return count;
  }

  #forgetOne(): void {
    const [oldest] = this.#known.keys();
    for (const [id, { view }] of this.#known) {
      if (view.state !== 'resolved') continue;
      this.#known.delete(id);
      return;
    }
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
