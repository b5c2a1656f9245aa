import { createHmac } from 'node:crypto';
import type { Alert } from '../../core/wire/alert.ts';
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
  | { readonly outcome: 'failed'; readonly detail: string };

const timeoutMs = 10_000;
/** Statuses that say that the message itself is at fault. All others may pass: addresses and rights get corrected. */
const refusals = new Set([400, 413, 415, 422]);

/**
 * `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY`. The time lets a receiver refuse what is old, so that nobody can send it again.
 */
export function signatureOf(secret: string, seconds: number, body: Uint8Array): string {
  const digest = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex');
  return `t=${seconds},v1=${digest}`;
}

/** Sends one notification once. Never throws. */
export async function sendAlert(webhook: Webhook, alert: Alert, signal?: AbortSignal): Promise<Attempt> {
  const { url, secret, allowPrivate } = webhook;
  const body = Buffer.from(JSON.stringify(alert));
  const seconds = Math.floor(Date.now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'gapline',
    'idempotency-key': alert.key,
    ...(secret !== undefined && { 'gapline-signature': signatureOf(secret, seconds, body) }),
  };
  try {
    const status = await post({ url, headers, body, allowPrivate, timeoutMs, ...(signal && { signal }) });
    if (status >= 200 && status < 300) return { outcome: 'delivered', status };
    const detail = status >= 300 && status < 400 ? `${status}: redirects are not followed` : `status ${status}`;
    return { outcome: refusals.has(status) ? 'refused' : 'failed', detail };
  } catch (error) {
    return { outcome: 'failed', detail: describeError(error) };
  }
}
