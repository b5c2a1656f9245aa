import type { EventLog } from '../../core/log/port.ts';
import { type Alert, type AlertDelivery, decodeAlertRecord } from '../../core/wire/alert.ts';

/** Alerts that are remembered; the oldest give way. */
const mostAlerts = 100_000;

export interface OutcomesOptions {
  readonly log: EventLog;
  /** The topic of alerts. */
  readonly topic: string;
  readonly stream: string;
  readonly webhook: string;
}

/** What became, at one webhook, of the notifications that alerts fire. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #byId = new Map<string, AlertDelivery['outcome']>();
  readonly #read = new Map<number, bigint>();
  #reading: Promise<void> | undefined;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  note({ id, state }: Pick<Alert, 'id' | 'state'>, outcome: AlertDelivery['outcome']): void {
    if (state === 'resolved') {
      this.#byId.delete(id);
      return;
    }
    this.#byId.set(id, outcome);
    const [oldest] = this.#byId.keys();
    if (this.#byId.size > mostAlerts && oldest !== undefined) this.#byId.delete(oldest);
  }

  /**
   * Whether the webhook was told that an alert fires. Where neither this process nor the log knows, which keeps records for so long only,
   * it counts as told: a recovery too many does less harm than one that is missing.
   */
  async wasToldThatItFires({ id }: Pick<Alert, 'id'>): Promise<boolean> {
    if (!this.#byId.has(id)) await this.#catchUp();
    return (this.#byId.get(id) ?? 'delivered') === 'delivered';
  }

  /** Reads what the log holds since the last time; callers at one time share it. */
  async #catchUp(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const { log, topic, stream, webhook } = this.#options;
    const after = new Map([[topic, this.#read]]);
    for await (const records of log.tail([topic], { since: 0, after, follow: false }))
      for (const { partition, offset, value } of records) {
        this.#read.set(partition, offset);
        const record = decodeAlertRecord(value);
        if (typeof record === 'string' || record.kind !== 'delivery') continue;
        if (record.stream === stream && record.webhook === webhook) this.note(record, record.outcome);
      }
  }
}
