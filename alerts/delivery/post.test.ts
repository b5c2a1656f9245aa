import { afterEach, beforeEach, expect, test } from 'vitest';
import { alertOf } from '../rules/message.ts';
import { openReceiver, type Receiver } from '../testing.ts';
import { isPublic } from './addresses.ts';
import { post } from './post.ts';

const alert = alertOf({
  ...{
    stream: 's',
    rule: 'r',
    subject: 'd',
    state: 'firing',
    since: 1n,
    origin: '',
    at: 2n,
    details: {},
    what: 'a test',
  },
});

let receiver: Receiver;
beforeEach(async () => {
  receiver = await openReceiver();
});
afterEach(async () => {
  await receiver.close();
});

const send = (url: URL | string, allowPrivate = false) =>
  post({ url: new URL(url), headers: {}, body: Buffer.from('{}'), allowPrivate, timeoutMs: 2_000 });

test.each([
  '127.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.31.0.1',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a00:1',
  '::ffff:8.8.8.8',
  'fe80::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '64:ff9b::a00:1',
  '2002:7f00:1::',
  '2001:0:1::',
  '2001:db8::1',
  'nonsense',
  '',
])('%s is not public', (address) => {
  expect(isPublic(address)).toBe(false);
});

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1'])('%s is public', (address) => {
  expect(isPublic(address)).toBe(true);
});

test.each([
  'http://127.0.0.1/',
  'http://2130706433/',
  'http://0x7f.1/',
  'http://[::ffff:7f00:1]/',
  'http://0/',
  'http://[::1]:99/',
])('%s is refused before anything is sent', async (url) => {
  await expect(send(url)).rejects.toMatchObject({ code: 'webhook-refused' });
});

test('a name is refused by what it resolves to, and is looked up once only', async () => {
  const { port } = receiver.url;
  const names: string[] = [];
  const attempt = post({
    ...{ url: new URL(`http://rebound.example:${port}/`), headers: {}, body: Buffer.from('{}') },
    ...{ allowPrivate: false, timeoutMs: 5_000 },
    resolve(hostname, done) {
      names.push(hostname);
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::ffff:127.0.0.1', family: 6 },
      ]);
    },
  });
  await expect(attempt).rejects.toMatchObject({ code: 'webhook-refused' });
  expect(names).toEqual(['rebound.example']);
  await expect(send(`http://localhost:${port}/`)).rejects.toMatchObject({ code: 'webhook-refused' });
  expect(receiver.received).toEqual([]);
});

test('an allowed private address is sent to, and a redirect is not followed', async () => {
  await receiver.close();
  receiver = await openReceiver(() => 302);
  const body = Buffer.from(JSON.stringify(alert));
  const sent = post({ url: new URL(receiver.url), headers: {}, body, allowPrivate: true, timeoutMs: 2_000 });
  await expect(sent).resolves.toMatchObject({ status: 302 });
});
