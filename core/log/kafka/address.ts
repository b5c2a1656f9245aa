import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import { GaplineError } from '../../wire/errors.ts';

export interface AddressOptions {
  /**
   * `kafka://HOST:PORT[,HOST:PORT…]`, or `kafkas://…` for TLS. `platformatic://` and `kafkajs://` choose the client by which groups consume
   * and commit, with TLS as `platformatic+tls://` and `kafkajs+tls://`. `?sasl=plain`, `scram-sha-256` or `scram-sha-512` logs in.
   */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Certificates (PEM) to trust besides those of the system. */
  readonly ca?: string | undefined;
}

/** The clients by which a log on Kafka may consume and commit, as the scheme of an address names them. */
export const clientNames = ['kafkajs', 'platformatic'] as const;
export type ClientName = (typeof clientNames)[number];

export interface Address {
  /** Undefined where the address leaves the choice to us. */
  readonly client: ClientName | undefined;
  readonly brokers: string[];
  readonly ssl: ConnectionOptions | false;
  readonly sasl: SASLOptions | undefined;
}

const defaultPort = 9092;
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/**
 * Parses a Kafka URL and the secrets that belong to it.
 * @throws {GaplineError} `config-invalid`, naming what is wrong; never a secret.
 */
export function parseAddress({ url, username, password, ca }: AddressOptions): Address {
  const match = /^(kafkas?|kafkajs(?:\+tls)?|platformatic(?:\+tls)?):\/\/([^/?#]+)\/?(?:\?(.*))?$/.exec(url);
  if (!match) throw invalid(`"${withoutSecret(url)}" is not kafka://HOST:PORT or kafkas://HOST:PORT`);
  const [, scheme, hosts, query] = match as unknown as [string, string, string, string | undefined];
  if (hosts.includes('@')) {
    throw invalid('a Kafka URL takes no user and password: they belong in the environment');
  }
  const isSecure = scheme === 'kafkas' || scheme.endsWith('+tls');
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== 'sasl') throw invalid(`a Kafka URL knows no "${name}", only "sasl"`);
  }
  if (ca !== undefined && !isSecure) throw invalid('a certificate needs TLS: kafkas:// instead of kafka://');
  return {
    client: clientNames.find((name) => scheme.startsWith(name)),
    brokers: hosts.split(',').map(broker),
    ssl: isSecure ? { ...(ca !== undefined && { ca: [ca] }) } : false,
    sasl: login(parameters.get('sasl'), username, password),
  };
}

function broker(host: string): string {
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(host);
  const port = Number(match?.[2] ?? defaultPort);
  if (!match || port < 1 || port > 65_535) throw invalid(`"${host}" is not HOST:PORT`);
  return `${match[1]}:${port}`;
}

function login(mechanism: string | null, username?: string, password?: string): SASLOptions | undefined {
  if (mechanism === null) {
    if (username || password) throw invalid('a Kafka user and password need ?sasl=scram-sha-512 (or plain) in the URL');
    return undefined;
  }
  const known = mechanisms.find((name) => name === mechanism.toLowerCase());
  if (!known) throw invalid(`?sasl=${mechanism} is not one of ${mechanisms.join(', ')}`);
  if (!username || !password) throw invalid(`?sasl=${known} needs a user and a password in the environment`);
  return { mechanism: known, username, password } as SASLOptions;
}

const withoutSecret = (url: string): string => url.replace(/\/\/.*@/, '//…@');

const invalid = (detail: string): GaplineError => new GaplineError('config-invalid', detail, { retryable: false });
