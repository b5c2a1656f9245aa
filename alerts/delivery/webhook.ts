import { createHmac } from 'node:crypto';
import { retryAfterMs } from '../../core/retry/retry-after.ts';
import type { Notification } from '../../core/wire/alert.ts';
import { describeError } from '../../core/wire/errors.ts';
import { post } from './post.ts';

/** Where alerts are sent. */
export interface Webhook {
  readonly name: string;
  readonly url: URL;
  /** Signs what is sent; undefined sends it unsigned. */
  readonly secret: string | undefined;
  readonly allowPrivate: boolean;
}

/** What became of one attempt. */
export type Attempt =
  | { readonly outcome: 'delivered'; readonly status: number }
  /** The receiver will never take this message. */
  | { readonly outcome: 'refused'; readonly detail: string }
  | { readonly outcome: 'failed'; readonly detail: string; readonly retryAfterMs: number };

const timeoutMs = 10_000;
/** Of the statuses from 400 to 499, those that pass: too slow, another attempt under way, locked, too early, too many. */
const passing = new Set([408, 409, 421, 423, 425, 429]);

/** Whether the receiver will respond with the same the next time: a refusal, or a redirect for good, which is not followed. */
const isForGood = (status: number): boolean =>
  (status >= 400 && status < 500 && !passing.has(status)) || status === 301 || status === 308;

/**
 * `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY`. The time lets a receiver refuse what is old, so that nobody can send it again.
 */
export function signatureOf(secret: string, seconds: number, body: Uint8Array): string {
  const digest = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${digest}`;
}

/** Sends one notification once. Never throws. */
export async function sendNotification(
  webhook: Webhook,
  notification: Notification,
  signal?: AbortSignal,
): Promise<Attempt> {
  const { url, secret, allowPrivate } = webhook;
  const body = Buffer.from(JSON.stringify(notification));
  const seconds = Math.floor(Date.now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'gapline',
    'idempotency-key': notification.key,
    ...(secret !== undefined && { 'gapline-signature': signatureOf(secret, seconds, body) }),
  };
  try {
    const { status, retryAfter } = await post({
      url,
      headers,
      body,
      allowPrivate,
      timeoutMs,
      ...(signal && { signal }),
    });
    if (status >= 200 && status < 300) return { outcome: 'delivered', status };
    const detail = status >= 300 && status < 400 ? `${status}: redirects are not followed` : `status ${status}`;
    if (isForGood(status)) return { outcome: 'refused', detail };
    return { outcome: 'failed', detail, retryAfterMs: retryAfterMs(retryAfter, Date.now()) };
  } catch (error) {
    return { outcome: 'failed', detail: describeError(error), retryAfterMs: 0 };
  }
}
