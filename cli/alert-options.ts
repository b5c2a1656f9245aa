import { isRefusedLiteral } from '../alerts/delivery/post.ts';
import type { Webhook } from '../alerts/delivery/webhook.ts';
import { type Rule, ruleOf } from '../alerts/rules/rule.ts';
import type { WebhookConfig } from '../alerts/rules/schema.ts';
import { classifierGroup } from '../classifier/classifier.ts';
import { archiveGroup } from '../collector/archive.ts';
import { nanosecondsOf } from '../core/wire/duration.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { LoadedConfig } from './config/load.ts';

const defaultSecretFrom = 'GAPLINE_WEBHOOK_SECRET';

/**
 * The rules and webhooks of a stream; addresses and secrets may be in the environment.
 * @throws {GaplineError} `config-invalid` where the environment lacks a variable that is named, or an address cannot be sent to
 */
export function openAlerts({ file, config: { alerts } }: Pick<LoadedConfig, 'file' | 'config'>): {
  readonly rules: readonly Rule[];
  readonly webhooks: readonly Webhook[];
  readonly promotions: boolean;
  readonly giveUpAfterMs: number;
} {
  return {
    rules: alerts.rules.map(ruleOf),
    webhooks: alerts.webhooks.map((webhook, index) => openWebhook(webhook, `${file}: alerts.webhooks.${index}`)),
    promotions: alerts.promotions,
    giveUpAfterMs: nanosecondsOf(alerts.giveUpAfter) / 1e6,
  };
}

/** By stage, the group that takes the readings for it, so that rules on lag see a stage that is stopped or hangs, too. */
export const readersOf = (stream: Stream) => ({ classifier: classifierGroup(stream), archive: archiveGroup(stream) });

function openWebhook(config: WebhookConfig, where: string): Webhook {
  const { name, urlFrom, allowPrivate } = config;
  const refuse = (key: string, problem: string) => new GaplineError('config-invalid', `${where}.${key}: ${problem}`);
  const key = urlFrom === undefined ? 'url' : 'urlFrom';
  const text = config.url ?? process.env[urlFrom ?? ''];
  if (!text)
    throw refuse(key, `${urlFrom} is not set in the environment; set it to the address of the webhook ${name}`);
  const url = URL.parse(text);
  const found = urlFrom === undefined ? 'it' : `what ${urlFrom} holds`;
  if (!url || !/^https?:$/.test(url.protocol)) throw refuse(key, `${found} is no address like https://HOST/PATH`);
  if (isRefusedLiteral(url, allowPrivate))
    throw refuse(
      key,
      `${url.hostname} is a private or special address; where that is meant, set ${where.replace(/^.*: /, '')}.allowPrivate: true`,
    );
  // URL sets these aside; a request would send them as Authorization, and errors would tell them.
  if (url.username || url.password) throw refuse(key, `${found} holds a user; put secrets into its path`);
  return { name, url, secret: secretOf(config, refuse), allowPrivate };
}

/** A variable that is named must be there: what is meant to be signed is never sent unsigned. */
function secretOf(
  { name, secretFrom }: WebhookConfig,
  refuse: (key: string, problem: string) => GaplineError,
): string | undefined {
  const secret = process.env[secretFrom ?? defaultSecretFrom];
  if (!secret && secretFrom !== undefined)
    throw refuse(
      'secretFrom',
      `${secretFrom} is not set in the environment; set it to the secret that signs what is sent to the webhook ${name}, or remove secretFrom to send it unsigned`,
    );
  return secret || undefined;
}
