import { afterEach, expect, test, vi } from 'vitest';
import { alertsSchema } from '../alerts/rules/schema.ts';
import { openAlerts } from './alert-options.ts';
import { configSchema } from './config/schema.ts';

afterEach(() => vi.unstubAllEnvs());

function open(webhook: object) {
  const alerts = alertsSchema.parse({ webhooks: [{ name: 'ops', ...webhook }] });
  const config = configSchema.parse({ stream: 's', alerts });
  return openAlerts({ file: 'stream.yaml', config }).webhooks[0];
}

const url = 'https://ops.example.com/hook';

test('a secret whose variable is not set is an error that names it, and never an unsigned message', () => {
  vi.stubEnv('GAPLINE_WEBHOOK_SECRET', undefined);
  for (const value of [undefined, '']) {
    vi.stubEnv('OPS_SECRET', value);
    expect(() => open({ url, secretFrom: 'OPS_SECRET' })).toThrow(
      'stream.yaml: alerts.webhooks.0.secretFrom: OPS_SECRET is not set in the environment; set it to the secret',
    );
  }
  vi.stubEnv('OPS_SECRET', 'x');
  expect(open({ url, secretFrom: 'OPS_SECRET' })?.secret).toBe('x');
  expect(open({ url })?.secret).toBeUndefined();
  vi.stubEnv('GAPLINE_WEBHOOK_SECRET', 'y');
  expect(open({ url })?.secret).toBe('y');
});

test('an address that cannot be sent to is an error that names its key', () => {
  vi.stubEnv('OPS_URL', undefined);
  expect(() => open({ urlFrom: 'OPS_URL' })).toThrow(
    'alerts.webhooks.0.urlFrom: OPS_URL is not set in the environment',
  );
  vi.stubEnv('OPS_URL', 'ftp://ops.example.com/');
  expect(() => open({ urlFrom: 'OPS_URL' })).toThrow('webhooks.0.urlFrom: what OPS_URL holds is no address');
  expect(() => open({ url: 'https://a:b@ops.example.com/' })).toThrow('webhooks.0.url: it holds a user');
});

test.each([
  ['http://127.0.0.1/', '127.0.0.1'],
  ['http://2130706433/', '127.0.0.1'],
  ['http://0177.0.0.1/', '127.0.0.1'],
  ['http://0x7f000001/', '127.0.0.1'],
  ['http://0.0.0.0/', '0.0.0.0'],
  ['http://[::ffff:10.0.0.1]/', '[::ffff:a00:1]'],
  ['http://[fe80::1]/', '[fe80::1]'],
  ['HTTP://169.254.169.254/latest', '169.254.169.254'],
  ['http://127.0.0.1./', '127.0.0.1'],
  ['http://①②⑦.0.0.1/', '127.0.0.1'],
])('%s is refused where the stream is read, and allowed by allowPrivate', (address, host) => {
  expect(() => open({ url: address })).toThrow(
    `webhooks.0.url: ${host} is a private or special address; where that is meant, set alerts.webhooks.0.allowPrivate: true`,
  );
  expect(open({ url: address, allowPrivate: true })?.url.hostname).toBe(host);
});
