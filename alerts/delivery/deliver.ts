import type { EventLog, Rejected, Running, Stall, StoredRecord } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import { type Alert, type AlertDelivery, decodeAlertRecord } from '../../core/wire/alert.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertMetrics } from '../metrics.ts';
import type { TakenRecords } from '../taken.ts';
import { Outcomes } from './outcomes.ts';
import type { Silences } from './silences.ts';
import { sendAlert, type Webhook } from './webhook.ts';

export interface DeliverOptions {
  readonly stream: Stream;
  readonly log: EventLog;
  /** The topic of alerts. */
  readonly topic: string;
  readonly webhook: Webhook;
  readonly silences: Silences;
  /** How long a notification is tried. */
  readonly giveUpAfterMs: number;
  /** When the webhook was first there: it gets the alerts since then, and those before it that are younger than `giveUpAfterMs`. */
  readonly startMs: number;
  /** What it had taken before its offsets expired is not sent again. */
  readonly taken: TakenRecords;
  readonly metrics: AlertMetrics;
  readonly reporter: Reporter;
}

export const deliveryGroup = (stream: Stream, webhook: string): string => `${stream.name}.alerts.to.${webhook}`;

/** One, so that each notification has attempts and delays of its own, and little is sent again after a crash. */
const maxBatch = 1;
const appendMs = 5_000;

/**
 * Sends each alert to one webhook, in order by subject, at least once: the topic of alerts is the outbox, and the group's offset moves when
 * the webhook has taken them. What it does not take stalls its partition, for itself alone, with a backoff that the log keeps.
 */
export function startDelivery(options: DeliverOptions): Promise<Running> {
  const { stream, log, topic, webhook, metrics, reporter, taken } = options;
  const group = deliveryGroup(stream, webhook.name);
  const oldestMs = options.startMs - options.giveUpAfterMs;
  const outcomes = new Outcomes({ log, topic, stream: stream.name, webhook: webhook.name });
  const courier = { ...options, outcomes, pause: { untilMs: 0, detail: '' } };
  async function sink({ records, signal }: { records: readonly StoredRecord[]; signal: AbortSignal }) {
    const rejected: Rejected[] = [];
    for (const record of records) {
      if (taken.wasTaken(group, record)) continue;
      const alert = decodeAlertRecord(record.value);
      if (typeof alert === 'string') rejected.push({ record, reason: `not an alert: ${alert}` });
      else if (alert.kind === 'alert' && alert.stream === stream.name && record.arrivedMs >= oldestMs)
        await settle(alert, record, signal);
      taken.note(group, record);
    }
    return rejected;
  }

  async function settle(alert: Alert, record: StoredRecord, signal: AbortSignal): Promise<void> {
    const { outcome, detail } = await outcomeOf(courier, alert, record, signal);
    const { rule, subject, state, id, key } = alert;
    const delivery: AlertDelivery = {
      ...{ kind: 'delivery', stream: stream.name, rule, subject, state, id, key, webhook: webhook.name, outcome },
      ...(detail !== undefined && { detail: detail.slice(0, 500) }),
      at: new Date().toISOString(),
    };
    await log.append(topic, [{ key: subject, value: Buffer.from(JSON.stringify(delivery)) }], { deadlineMs: appendMs });
    outcomes.note(alert, outcome);
    metrics.settled(webhook.name, outcome);
    if (outcome !== 'delivered' && outcome !== 'silenced')
      reporter.noteError(`webhook ${webhook.name}: ${rule} of ${subject} (${state}) was not delivered: ${detail}`);
  }

  const stalled = ({ error }: Stall) => reporter.noteError(`webhook ${webhook.name}: ${describeError(error)}`);
  return log.drain({ from: [topic], group, maxBatch, stalled }, sink, reporter.deadLetter);
}

interface Courier extends DeliverOptions {
  readonly outcomes: Outcomes;
  /** Before this the webhook wants nothing: its `Retry-After`. */
  readonly pause: { untilMs: number; detail: string };
}

/** @throws {GaplineError} `webhook-refused` where it is to be tried again */
async function outcomeOf(
  courier: Courier,
  alert: Alert,
  { arrivedMs }: StoredRecord,
  signal: AbortSignal,
): Promise<Pick<AlertDelivery, 'outcome' | 'detail'>> {
  const { webhook, silences, giveUpAfterMs, metrics, outcomes, pause } = courier;
  if (silences.isSilenced(alert, Date.now())) {
    const isNews = alert.state === 'resolved' && (await outcomes.wasToldThatItFires(alert));
    if (!isNews) return { outcome: 'silenced' };
  }
  const pauseMs = pause.untilMs - Date.now();
  if (pauseMs > 0) throw again(`${pause.detail}, and Retry-After: ${Math.ceil(pauseMs / 1_000)} s more`);
  const attempt = await sendAlert(webhook, alert, signal);
  if (attempt.outcome === 'delivered') return { outcome: 'delivered' };
  const { outcome, detail } = attempt;
  if (outcome === 'refused') return { outcome, detail };
  metrics.failed(webhook.name);
  if (Date.now() - arrivedMs > giveUpAfterMs) return { outcome: 'given-up', detail };
  pause.untilMs = Date.now() + attempt.retryAfterMs;
  pause.detail = detail;
  throw again(detail);
}

const again = (detail: string) => new GaplineError('webhook-refused', detail, { retryable: true });
