import { isRefusedLiteral } from '../alerts/delivery/post.ts';
import type { Webhook } from '../alerts/delivery/webhook.ts';
import { type Rule, ruleOf } from '../alerts/rules/rule.ts';
import type { WebhookConfig } from '../alerts/rules/schema.ts';
import { nanosecondsOf } from '../core/wire/duration.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { LoadedConfig } from './config/load.ts';

/** The rules and webhooks of a stream; addresses and secrets may be in the environment. */
export function openAlerts({ config: { alerts } }: LoadedConfig): {
  readonly rules: readonly Rule[];
  readonly webhooks: readonly Webhook[];
  readonly giveUpAfterMs: number;
} {
  return {
    rules: alerts.rules.map(ruleOf),
    webhooks: alerts.webhooks.map(openWebhook),
    giveUpAfterMs: nanosecondsOf(alerts.giveUpAfter) / 1e6,
  };
}

/** @throws {GaplineError} `config-invalid` where the environment lacks its address, or the address is a private one that is not allowed */
function openWebhook({ name, url: written, urlFrom, secretFrom, allowPrivate }: WebhookConfig): Webhook {
  const text = written ?? process.env[urlFrom ?? ''];
  if (!text) throw new GaplineError('config-invalid', `${urlFrom} is not set; it holds the address of webhook ${name}`);
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol))
    throw new GaplineError('config-invalid', `webhook ${name}: its address is not like https://HOST/PATH`);
  if (isRefusedLiteral(url, allowPrivate))
    throw new GaplineError(
      'config-invalid',
      `webhook ${name}: ${url.hostname} is a private or special address; allowPrivate: true permits it`,
    );
  // URL sets these aside; a request would send them as Authorization, and errors would tell them.
  if (url.username || url.password)
    throw new GaplineError('config-invalid', `webhook ${name}: its address holds a user; put secrets into its path`);
  return { name, url, secret: process.env[secretFrom] || undefined, allowPrivate };
}
