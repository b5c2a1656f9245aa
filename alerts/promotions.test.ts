import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertTopicsOf, decodeAlertRecord } from '../core/wire/alert.ts';
import type { Promotion } from '../core/wire/promotion.ts';
import type { Status } from '../core/wire/status.ts';
import { createAlerts } from './alerts.ts';
import { signatureOf } from './delivery/webhook.ts';
import { type Engine, type Line, openLine, openReceiver, patient, type Receiver, silent } from './testing.ts';

const slow = 120_000;

describe.each<Engine>(['SQLite', 'Kafka'])('promotions on %s', (engine) => {
  let line: Line;
  let receiver: Receiver | undefined;
  const stages: { stop(): Promise<void> }[] = [];
  beforeEach(async () => {
    line = await openLine(engine);
  }, slow);
  afterEach(async () => {
    for (const stage of stages.splice(0)) await stage.stop();
    await receiver?.close();
    await line.close();
  }, slow);

  async function startAlerts(more: { readonly promotions?: boolean; readonly allowPrivate?: boolean } = {}) {
    const { promotions = true, allowPrivate = true } = more;
    const url = receiver?.url ?? new URL('http://127.0.0.1:1/');
    const stage = createAlerts({
      ...{ stream: line.stream, log: line.log, logger: silent, registry: new Registry(), rules: [], promotions },
      webhooks: [{ name: 'ops', url, secret: 'shh', allowPrivate }],
    });
    stages.push(stage);
    await stage.start();
    return stage;
  }

  /** What a classifier reports, in its own time. */
  async function report(...promotions: Promotion[]): Promise<void> {
    const { name, topics } = line.stream;
    const status: Status = {
      ...{ stream: name, stage: 'classifier', instance: 'c', at: new Date().toISOString(), counters: {} },
      ...{ model: { name: 'pumps', version: 2 }, promotions },
    };
    await line.log.append(topics.status, [{ key: 'c', value: Buffer.from(JSON.stringify(status)) }], {
      deadlineMs: 30_000,
    });
  }

  /** It reports every two seconds, and the stage hears what is reported once it listens. */
  const heard = (promotions: Promotion[], until: () => void) =>
    expect
      .poll(async () => {
        await report(...promotions);
        until();
        return true;
      }, patient)
      .toBe(true);

  async function recordsOfKind(kind: 'promotion' | 'promotion-delivery') {
    const found = [];
    for await (const records of line.log.tail([alertTopicsOf(line.stream.name).alerts], { since: 0, follow: false }))
      for (const { value } of records) {
        const record = decodeAlertRecord(value);
        if (typeof record !== 'string' && record.kind === kind) found.push(record);
      }
    return found;
  }

  it('tells a webhook once, signed, again where it failed, and once more for nobody after a restart', {
    timeout: slow,
  }, async () => {
    // The first attempt fails.
    const opened = await openReceiver((count) => (count === 0 ? 503 : 204));
    receiver = opened;
    const before: Promotion = { at: new Date(Date.now() - 60_000).toISOString(), to: 1, by: 'there was none' };
    const first = await startAlerts();
    const done: Promotion = { at: new Date(Date.now() + 1_000).toISOString(), from: 1, to: 2, who: 'ada', by: 'f1' };
    await heard([before, done], () => expect(opened.notices.at(-1)?.status).toBe(204));
    const [failed, taken] = opened.notices;
    expect(opened.notices).toHaveLength(2);
    expect(taken?.notice).toMatchObject({ ...{ from: 1, who: 'ada', by: 'f1' }, model: { name: 'pumps', version: 2 } });
    expect(taken?.notice.text).toMatch(/pumps: version 2 took over from version 1, by ada: f1$/);
    expect(failed?.headers['idempotency-key']).toBe(taken?.notice.key);
    expect(taken?.headers['idempotency-key']).toBe(taken?.notice.key);
    const signature = String(taken?.headers['gapline-signature']);
    const seconds = Number(/^t=(\d+)/.exec(signature)?.[1]);
    expect(signature).toBe(signatureOf('shh', seconds, taken?.body ?? Buffer.of()));
    await expect.poll(() => recordsOfKind('promotion-delivery'), patient).toMatchObject([{ outcome: 'delivered' }]);
    await first.stop();
    await startAlerts();
    const seen: Promotion = { at: new Date(Date.now() + 2_000).toISOString(), from: 2, to: 1, seen: true };
    await heard([before, done, seen], () => expect(opened.notices).toHaveLength(3));
    expect(opened.notices.at(-1)?.notice).toMatchObject({ seen: true, model: { version: 1 } });
    expect(await recordsOfKind('promotion')).toHaveLength(2);
  });

  it('sends nothing to a private address unless that is allowed', { timeout: slow }, async () => {
    const opened = await openReceiver();
    receiver = opened;
    const refusing = await startAlerts({ allowPrivate: false });
    const done: Promotion = { at: new Date(Date.now() + 1_000).toISOString(), from: 1, to: 2 };
    const status = async () => {
      await report(done);
      return await recordsOfKind('promotion');
    };
    await expect.poll(status, patient).toHaveLength(1);
    await refusing.stop();
    expect(opened.notices).toEqual([]);
    // Allowed, it is told what waited.
    await startAlerts();
    await expect.poll(() => opened.notices.length, patient).toBe(1);
  });
});
