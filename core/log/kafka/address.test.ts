import { describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';

const login = { username: 'ada', password: 's3cret' };

describe('a Kafka address', () => {
  test.each([
    ['kafka://localhost', { client: undefined, brokers: ['localhost:9092'], ssl: false, sasl: undefined }],
    [
      'kafka://a:1,b-2.example.org:2/',
      { client: undefined, brokers: ['a:1', 'b-2.example.org:2'], ssl: false, sasl: undefined },
    ],
    ['kafkas://a:9093', { client: undefined, brokers: ['a:9093'], ssl: {}, sasl: undefined }],
    ['kafkajs://a:1', { client: 'kafkajs', brokers: ['a:1'], ssl: false, sasl: undefined }],
    ['platformatic://a:1', { client: 'platformatic', brokers: ['a:1'], ssl: false, sasl: undefined }],
    ['platformatic+tls://a:1', { client: 'platformatic', brokers: ['a:1'], ssl: {}, sasl: undefined }],
  ])('%s', (url, address) => {
    expect(parseAddress({ url })).toEqual(address);
  });

  test('takes user, password and certificate from beside the URL', () => {
    expect(parseAddress({ url: 'kafkas://a:1?sasl=SCRAM-SHA-512', ...login, ca: 'PEM' })).toEqual({
      client: undefined,
      brokers: ['a:1'],
      ssl: { ca: ['PEM'] },
      sasl: { mechanism: 'scram-sha-512', ...login },
    });
  });

  test.each([
    [{ url: 'http://a:1' }, /"http:\/\/a:1" is not kafka:/],
    [{ url: 'kafka://' }, /is not kafka:/],
    [{ url: 'kafka://a:99999' }, /"a:99999" is not HOST:PORT/],
    [{ url: 'kafka://a:1,,b:2' }, /"" is not HOST:PORT/],
    [{ url: 'kafka://ada:s3cret@a:1' }, /no user and password/],
    [{ url: 'kafka://a:1?ssl=true' }, /knows no "ssl"/],
    [{ url: 'kafka://a:1?sasl=kerberos' }, /\?sasl=kerberos is not one of plain, scram-sha-256, scram-sha-512/],
    [{ url: 'kafka://a:1?sasl=plain' }, /needs a user and a password/],
    [{ url: 'kafka://a:1', ...login }, /need \?sasl=/],
    [{ url: 'kafka://a:1', ca: 'PEM' }, /needs TLS/],
  ])('refuses %j', (options, message) => {
    const refusal = (() => {
      try {
        return parseAddress(options);
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toMatchObject({ code: 'config-invalid', message: expect.stringMatching(message) });
    expect(String(refusal)).not.toContain('s3cret');
  });
});
