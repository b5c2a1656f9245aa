import type { EventLog, Rejected, Running, Stall, StoredRecord } from '../../core/log/port.ts';
import type { Reporter } from '../../core/stage/reporter.ts';
import {
  type AlertDelivery,
  type AlertRecord,
  decodeAlertRecord,
  type NoticeDelivery,
  type Notification,
} from '../../core/wire/alert.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertMetrics } from '../metrics.ts';
import type { TakenRecords } from '../taken.ts';
import { Outcomes } from './outcomes.ts';
import type { Silences } from './silences.ts';
import { sendNotification, type Webhook } from './webhook.ts';

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
      const found = decodeAlertRecord(record.value);
      if (typeof found === 'string') rejected.push({ record, reason: `not an alert: ${found}` });
      else if (isNotification(found) && found.stream === stream.name && record.arrivedMs >= oldestMs)
        await settle(found, record, signal);
      taken.note(group, record);
    }
    return rejected;
  }

  async function settle(notification: Notification, record: StoredRecord, signal: AbortSignal): Promise<void> {
    const { outcome, detail } = await outcomeOf(courier, notification, record, signal);
    const delivery = deliveryOf(notification, {
      ...{ webhook: webhook.name, outcome },
      ...(detail !== undefined && { detail: detail.slice(0, 500) }),
      at: new Date().toISOString(),
    });
    // Beside what it is about, so that readers find both in order.
    const value = Buffer.from(JSON.stringify(delivery));
    await log.append(topic, [{ key: record.key ?? stream.name, value }], { deadlineMs: appendMs });
    if (notification.kind === 'alert') outcomes.note(notification, outcome);
    metrics.settled(webhook.name, outcome);
    if (outcome !== 'delivered' && outcome !== 'silenced')
      reporter.noteError(`webhook ${webhook.name}: ${nameOf(notification)} was not delivered: ${detail}`);
  }

  const stalled = ({ error }: Stall) => reporter.noteError(`webhook ${webhook.name}: ${describeError(error)}`);
  return log.drain({ from: [topic], group, maxBatch, stalled }, sink, reporter.deadLetter);
}

const isNotification = (record: AlertRecord): record is Notification =>
  record.kind === 'alert' || record.kind === 'promotion';

const nameOf = (notification: Notification): string =>
  notification.kind === 'promotion'
    ? `the promotion of version ${notification.model.version}`
    : `${notification.rule} of ${notification.subject} (${notification.state})`;

function deliveryOf(
  notification: Notification,
  settled: Pick<AlertDelivery, 'webhook' | 'outcome' | 'detail' | 'at'>,
): AlertDelivery | NoticeDelivery {
  const { stream, id, key } = notification;
  if (notification.kind === 'promotion') return { kind: 'promotion-delivery', stream, id, key, ...settled };
  const { rule, subject, state } = notification;
  return { kind: 'delivery', stream, rule, subject, state, id, key, ...settled };
}

interface Courier extends DeliverOptions {
  readonly outcomes: Outcomes;
  /** Before this the webhook wants nothing: its `Retry-After`. */
  readonly pause: { untilMs: number; detail: string };
}

/** @throws {GaplineError} `webhook-refused` where it is to be tried again */
async function outcomeOf(
  courier: Courier,
  notification: Notification,
  { arrivedMs }: StoredRecord,
  signal: AbortSignal,
): Promise<Pick<AlertDelivery, 'outcome' | 'detail'>> {
  const { webhook, silences, giveUpAfterMs, metrics, outcomes, pause } = courier;
  if (notification.kind === 'alert' && silences.isSilenced(notification, Date.now())) {
    const isNews = notification.state === 'resolved' && (await outcomes.wasToldThatItFires(notification));
    if (!isNews) return { outcome: 'silenced' };
  }
  const pauseMs = pause.untilMs - Date.now();
  if (pauseMs > 0) throw again(`${pause.detail}, and Retry-After: ${Math.ceil(pauseMs / 1_000)} s more`);
  const attempt = await sendNotification(webhook, notification, signal);
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
