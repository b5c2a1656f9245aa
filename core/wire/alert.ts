import { createHash } from 'node:crypto';
import { z } from 'zod';
import { firstIssue } from './issue.ts';
import { describePromotion, type Promotion, promotionSchema } from './promotion.ts';
import { nanosecondsSchema } from './reading.ts';
import { validate } from './validate.ts';

/** The topics of a stream's alerts. */
export interface AlertTopics {
  /** Alerts that fired and were resolved, and what became of their delivery. */
  readonly alerts: string;
  /** The passing of time, as a record in each partition. */
  readonly ticks: string;
  /** Compacted: what the rules on predictions remember. */
  readonly state: string;
  /** Compacted: what the rules on silent devices remember. */
  readonly silentState: string;
  /** Compacted: what the rules on lag and drift remember. */
  readonly lineState: string;
  /** Compacted: which alerts are not to be delivered, and until when; when each consumer group first started, and how far it came. */
  readonly silences: string;
}

export const alertTopicsOf = (stream: string): AlertTopics => ({
  alerts: `${stream}.alerts`,
  ticks: `${stream}.alerts.ticks`,
  state: `${stream}.alerts.state`,
  silentState: `${stream}.alerts.silent.state`,
  lineState: `${stream}.alerts.line.state`,
  silences: `${stream}.alerts.silences`,
});

const named = { stream: z.string().min(1), rule: z.string().min(1) };
const idSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .describe('of the alert: the same when it fires and when it is resolved');
const keySchema = z.string().describe('of the notification: the same each time that it is sent (`Idempotency-Key`)');

/** What a webhook is sent: an alert fires, or is resolved. */
export const alertSchema = z
  .strictObject({
    kind: z.literal('alert'),
    ...named,
    subject: z.string().min(1).describe('the device; of lag the stage, of drift the stream'),
    state: z.enum(['firing', 'resolved']),
    id: idSchema,
    key: keySchema,
    since: nanosecondsSchema.describe('when what the rule describes began: nanoseconds, as a decimal string'),
    at: nanosecondsSchema.describe('when it fired or was resolved, as `since`'),
    text: z.string().describe('one line for people; Slack and others show it'),
    label: z.string().optional().describe('of a rule on labels: the last label'),
    probability: z.number().optional().describe('of it'),
    model: z.strictObject({ name: z.string(), version: z.int() }).optional().describe('that labelled'),
    value: z.number().optional().describe('of other rules: share of gaps, seconds of silence, lag or drifted fields'),
  })
  .meta({ title: 'Alert' });

export type Alert = z.infer<typeof alertSchema>;

/** What became of a notification at one webhook. */
export const deliverySchema = z
  .strictObject({
    kind: z.literal('delivery'),
    ...named,
    subject: z.string().min(1),
    state: z.enum(['firing', 'resolved']),
    id: idSchema,
    key: keySchema,
    webhook: z.string(),
    outcome: z.enum(['delivered', 'silenced', 'refused', 'given-up']),
    detail: z.string().optional().describe('why it was not delivered'),
    at: z.string().describe('RFC 3339'),
  })
  .meta({ title: 'AlertDelivery' });

export type AlertDelivery = z.infer<typeof deliverySchema>;

/** A wish that alerts are not delivered for a while. They still fire, and are listed. */
export const silenceSchema = z
  .strictObject({
    ...named,
    subject: z.string().nullable().describe('the device; null for all of them'),
    until: nanosecondsSchema.describe('nanoseconds, as a decimal string; one that is past ends the silence'),
  })
  .meta({ title: 'AlertSilence' });

export type Silence = z.infer<typeof silenceSchema>;

/** When a consumer group of the alerts first started: a restart, before it has committed anything, must not move that. */
export const firstStartSchema = z.strictObject({
  kind: z.literal('start'),
  group: z.string().min(1),
  atMs: z.number().describe('milliseconds since the epoch'),
});

export type FirstStart = z.infer<typeof firstStartSchema>;

/** The last record of a partition that a consumer group of the alerts has taken. */
export const takenSchema = z.strictObject({
  kind: z.literal('taken'),
  group: z.string().min(1),
  topic: z.string().min(1),
  partition: z.int().min(0),
  offset: z.string().regex(/^\d{1,19}$/),
  arrivedMs: z.number().describe('when the log took it, in milliseconds since the epoch'),
});

export type Taken = z.infer<typeof takenSchema>;

/** What a record of the topic of ticks says. */
export const tickSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('time'),
    at: nanosecondsSchema.describe('every reading of the partition that arrived before this is taken'),
  }),
  z.strictObject({
    kind: z.literal('line'),
    at: nanosecondsSchema,
    lag: z.record(z.string(), z.number()).describe('by stage'),
    drifted: z.int().optional().describe('fields that have drifted, where a classifier knows'),
  }),
]);

export type Tick = z.infer<typeof tickSchema>;

/** What a webhook is sent when another version serves. */
export const promotionNoticeSchema = z
  .strictObject({
    kind: z.literal('promotion'),
    stream: z.string().min(1),
    id: idSchema.describe('of the promotion'),
    key: keySchema,
    model: z.strictObject({ name: z.string(), version: z.int() }).describe('that serves from then on'),
    ...promotionSchema.omit({ to: true }).shape,
    text: z.string().describe('one line for people; Slack and others show it'),
  })
  .meta({ title: 'PromotionNotice' });

export type PromotionNotice = z.infer<typeof promotionNoticeSchema>;

/** What became of a notice of a promotion at one webhook. */
const noticeDeliverySchema = z.strictObject({
  kind: z.literal('promotion-delivery'),
  ...{ stream: z.string().min(1), id: idSchema, key: keySchema },
  ...deliverySchema.pick({ webhook: true, outcome: true, detail: true, at: true }).shape,
});

export type NoticeDelivery = z.infer<typeof noticeDeliverySchema>;

/** What webhooks are sent. */
export type Notification = Alert | PromotionNotice;

/** What the topic of alerts holds. */
export type AlertRecord = Notification | AlertDelivery | NoticeDelivery;

const recordSchema = z.discriminatedUnion('kind', [
  alertSchema,
  deliverySchema,
  promotionNoticeSchema,
  noticeDeliverySchema,
]);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a record of the topic of alerts holds, or, on one line, why it holds none of it. */
export const decodeAlertRecord = (value: Uint8Array): AlertRecord | string => decode(recordSchema, value);
export const decodeSilence = (value: Uint8Array): Silence | string => decode(silenceSchema, value);
export const decodeFirstStart = (value: Uint8Array): FirstStart | string => decode(firstStartSchema, value);
export const decodeTaken = (value: Uint8Array): Taken | string => decode(takenSchema, value);
export const decodeTick = (value: Uint8Array): Tick | string => decode(tickSchema, value);

function decode<T>(schema: z.ZodType<T>, value: Uint8Array): T | string {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(value));
  } catch {
    return 'it is not JSON in UTF-8';
  }
  const parsed = validate(schema, json);
  return parsed.success ? parsed.data : firstIssue(parsed.error);
}

/**
 * The id of an alert: whoever finds it again, after a crash too, gives it the same one.
 * `since` alone would not do: the clock of a device may stand still or be set back.
 * @param identity - with the record of the log that raised the alert
 */
export function alertId({
  stream,
  rule,
  subject,
  since,
  origin,
}: Pick<Alert, 'stream' | 'rule' | 'subject' | 'since'> & { readonly origin: string }): string {
  return digestOf([stream, rule, subject, since, origin]);
}

const digestOf = (identity: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);

/** The notice of a promotion: whoever hears of the same one gives it the same id and key, so that a receiver can tell. */
export function noticeOf(stream: string, model: string, promotion: Promotion): PromotionNotice {
  const { to, ...rest } = promotion;
  const id = digestOf([stream, model, promotion.at, promotion.from, to]);
  const text = `[promotion] ${stream}: ${model}: ${describePromotion(promotion)}`;
  return { kind: 'promotion', stream, id, key: `${id}-promotion`, model: { name: model, version: to }, ...rest, text };
}
