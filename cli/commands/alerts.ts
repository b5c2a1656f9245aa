import { silenceKey } from '../../alerts/delivery/silences.ts';
import { sendNotification, type Webhook } from '../../alerts/delivery/webhook.ts';
import { alertOf } from '../../alerts/rules/message.ts';
import type { EventLog } from '../../core/log/port.ts';
import type { AlertTopics, Silence } from '../../core/wire/alert.ts';
import { parseDuration } from '../../core/wire/duration.ts';
import { GaplineError, oneLine } from '../../core/wire/errors.ts';
import { formatRfc3339 } from '../../core/wire/time.ts';
import { AlertList } from '../../dashboard/figures/alerts.ts';
import { openAlerts } from '../alert-options.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openLog, topicSpecs } from '../open.ts';
import { complain, print as printText } from '../print.ts';
import { resolveStream } from '../stream.ts';

interface AlertsOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly log?: string;
}

interface OpenedAlerts {
  readonly stream: string;
  readonly topics: AlertTopics;
  readonly log: EventLog;
  readonly loaded: LoadedConfig;
}

const print = (line: string): void => void printText(`${line}\n`);
/** Alerts that are put together, the newest. */
const mostListed = 10_000;

async function withAlerts(options: AlertsOptions, work: (opened: OpenedAlerts) => Promise<void>): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const logger = await createLogger(options.logLevel);
  const stream = await resolveStream(loaded);
  if (!stream.alerts)
    throw new GaplineError('config-invalid', `${loaded.file}: alerts.rules is missing; it says what raises an alert`);
  const log = await openLog({ url: options.log, dataFolder: options.data, logger });
  await log.start();
  try {
    await log.ensureTopics(topicSpecs(stream, loaded.config));
    await work({ stream: stream.name, topics: stream.alerts, log, loaded });
  } finally {
    await log.stop();
  }
}

/** One line an alert, those that fire first. */
export function listAlerts(
  options: AlertsOptions & { readonly firing?: boolean; readonly json?: boolean },
): Promise<void> {
  return withAlerts(options, async ({ stream, topics, log }) => {
    const list = new AlertList(stream, mostListed);
    for await (const records of log.tail([topics.alerts], { since: 0, follow: false }))
      for (const { value } of records) list.take(value);
    const views = list.views().filter(({ state }) => !options.firing || state === 'firing');
    for (const view of views) {
      const { state, since, rule, subject, deliveries, text } = view;
      const told = Object.entries(deliveries).map(([webhook, outcome]) => `${webhook}: ${outcome}`);
      const cells = [state, formatRfc3339(since), rule, subject, told.join(', ') || 'not delivered', text];
      print(options.json ? JSON.stringify(view) : cells.map(oneLine).join('\t'));
    }
    complain(`${list.firing} firing\n`);
  });
}

/**
 * Sends a test message to each webhook, or to one.
 * @throws {GaplineError} `webhook-refused` where one does not take it
 */
export async function testWebhooks(name: string | undefined, options: AlertsOptions): Promise<void> {
  const loaded = loadConfig(options.config, options.set);
  const { webhooks } = openAlerts(loaded);
  const chosen = webhooks.filter((webhook) => name === undefined || webhook.name === name);
  if (chosen.length === 0)
    throw new GaplineError(
      'config-invalid',
      `${loaded.file}: alerts.webhooks has no webhook${name === undefined ? '' : ` ${name}`}; it has ${webhooks.map((webhook) => webhook.name).join(', ') || 'none'}`,
    );
  const failed: string[] = [];
  for (const webhook of chosen) {
    const problem = await testOne(webhook, loaded.config.stream);
    print(`${webhook.name}\t${problem === undefined ? 'delivered' : oneLine(problem)}`);
    if (problem !== undefined) failed.push(webhook.name);
  }
  if (failed.length > 0) throw new GaplineError('webhook-refused', `not delivered: ${failed.join(', ')}`);
}

async function testOne(webhook: Webhook, stream: string): Promise<string | undefined> {
  const now = BigInt(Date.now()) * 1_000_000n;
  const what = 'a test by gapline alerts test';
  const shared = { stream, rule: 'test', subject: 'test', state: 'firing', since: now, origin: '', at: now } as const;
  const attempt = await sendNotification(webhook, alertOf({ ...shared, details: {}, what }));
  return attempt.outcome === 'delivered' ? undefined : attempt.detail;
}

/** Keeps the alerts of a rule from being delivered for a while. */
export function silenceRule(
  rule: string,
  options: AlertsOptions & { readonly device?: string; readonly for: string },
): Promise<void> {
  const ns = parseDuration(options.for);
  if (ns === undefined)
    throw new GaplineError('config-invalid', `--for ${options.for}: expected a duration like 30m or 2h, at most 90d`);
  const { device: subject = null } = options;
  if (subject === '')
    throw new GaplineError(
      'config-invalid',
      '--device: found nothing; name a device, or leave --device out for all of them',
    );
  return withAlerts(options, async ({ stream, topics, log, loaded }) => {
    const names = loaded.config.alerts.rules.map(({ name }) => name);
    if (!names.includes(rule))
      throw new GaplineError(
        'config-invalid',
        `${loaded.file}: alerts.rules has no rule ${rule}; it has ${names.join(', ')}`,
      );
    const until = `${BigInt(Date.now()) * 1_000_000n + BigInt(ns)}`;
    const silence: Silence = { stream, rule, subject, until };
    const record = { key: silenceKey(rule, subject), value: Buffer.from(JSON.stringify(silence)) };
    await log.append(topics.silences, [record], { deadlineMs: 30_000 });
    const whose = subject === null ? 'of all devices' : `of ${subject}`;
    print(
      ns === 0
        ? `${rule}: alerts ${whose} are delivered again`
        : `${rule}: no alert ${whose} is delivered before ${formatRfc3339(until)}`,
    );
  });
}
