import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { Fetcher, type FetcherOptions } from './fetcher.ts';

const events = { HEARTBEAT: 'heartbeat', GROUP_JOIN: 'join', END_BATCH_PROCESS: 'end', CRASH: 'crash' };
const patient = { timeout: 20_000, interval: 20 };

/** A fetcher on a kafkajs that does nothing but what a test makes it do. */
async function started() {
  const bus = new EventEmitter();
  const consumer = {
    events,
    on: (name: string, listener: (event: unknown) => void) => bus.on(name, listener),
    connect: vi.fn(async () => {}),
    subscribe: vi.fn(async () => {}),
    run: vi.fn(async () => {}),
    disconnect: vi.fn(async () => {}),
  };
  const failed = vi.fn();
  const client = {
    kafka: { consumer: () => consumer, admin: () => ({}) },
    kill() {},
    close: (leave: () => Promise<unknown>) => leave(),
  };
  const options = {
    ...{ client, group: 'g', topics: ['t'], assigner: () => () => ({}), sessionTimeoutMs: 10_000, failed },
    ...{ owned: () => [], bufferOf: () => undefined, assigned() {}, remade() {}, logger: pino({ level: 'silent' }) },
  };
  const fetcher = new Fetcher(options as unknown as FetcherOptions);
  await fetcher.start();
  return {
    fetcher,
    consumer,
    failed,
    crash: (error: Error) => bus.emit(events.CRASH, { payload: { error, restart: false } }),
  };
}

const named = (name: string, message: string) => Object.assign(new Error(message), { name });

test('a consumer that kafkajs gives up for an error of its own is run again, as often as it takes', async () => {
  const { fetcher, consumer, failed, crash } = await started();
  consumer.connect.mockRejectedValueOnce(named('KafkaJSConnectionError', 'connect ECONNREFUSED'));
  crash(new Error('Broker not connected'));
  await expect.poll(() => consumer.run.mock.calls.length, patient).toBe(2);
  // At the start, in vain, and once more.
  expect(consumer.connect).toHaveBeenCalledTimes(3);
  expect(failed).not.toHaveBeenCalled();
  await fetcher.stop();
});

test('what Kafka or kafkajs have decided is final', async () => {
  const { fetcher, consumer, failed, crash } = await started();
  crash(named('KafkaJSProtocolError', 'the group speaks another protocol'));
  expect(failed).toHaveBeenCalledTimes(1);
  expect(consumer.run).toHaveBeenCalledTimes(1);
  await fetcher.stop();
});
