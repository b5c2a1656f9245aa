import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './process.ts';

/** Secured listeners of a broker, beside its open one. */
export interface SecureListeners {
  /** `127.0.0.1:PORT` with user and password (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), in clear. */
  readonly sasl: string;
  /** The same over TLS. */
  readonly saslTls: string;
  /** TLS without a user. */
  readonly tls: string;
  readonly username: string;
  readonly password: string;
  /** The certificate (PEM) that a client must trust. */
  readonly caFile: string;
}

/** What a broker must be told to have these listeners. */
export interface Security {
  readonly secured: SecureListeners;
  readonly listeners: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  /** Arguments of the storage tool, which makes the first users. */
  readonly formatArgs: readonly string[];
}

const username = 'gapline';
const password = 'gapline-password';

/** Makes a certificate for 127.0.0.1 with `openssl` in `folder`, picks the ports, and says how a broker guards them. */
export async function security(folder: string): Promise<Security> {
  const [sasl, saslTls, tls] = [await freePort(), await freePort(), await freePort()].map(
    (port) => `127.0.0.1:${port}`,
  );
  const login = 'org.apache.kafka.common.security';
  const jaas = {
    plain: `${login}.plain.PlainLoginModule required user_${username}="${password}";`,
    'scram-sha-256': `${login}.scram.ScramLoginModule required;`,
    'scram-sha-512': `${login}.scram.ScramLoginModule required;`,
  };
  const logins = ['sasl_plaintext', 'sasl_ssl'].flatMap((listener) =>
    Object.entries(jaas).map(([mechanism, module]) => [
      `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
      module,
    ]),
  );
  const { keyAndCertificate, caFile } = certificate(folder);
  return {
    secured: { sasl: sasl!, saslTls: saslTls!, tls: tls!, username, password, caFile },
    listeners: [`SASL_PLAINTEXT://${sasl}`, `SASL_SSL://${saslTls}`, `SSL://${tls}`],
    properties: {
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keyAndCertificate,
      ...Object.fromEntries(logins),
    },
    formatArgs: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${username},password=${password}]`,
    ]),
  };
}

function certificate(folder: string): { keyAndCertificate: string; caFile: string } {
  const keyFile = join(folder, 'key.pem');
  const caFile = join(folder, 'certificate.pem');
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'];
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const made = spawnSync('openssl', [...request, ...names, '-keyout', keyFile, '-out', caFile], { encoding: 'utf8' });
  if (made.error) throw new Error('a guarded Kafka needs `openssl` on the PATH', { cause: made.error });
  if (made.status !== 0) throw new Error(`openssl made no certificate:\n${made.stderr}`);
  const keyAndCertificate = join(folder, 'key-and-certificate.pem');
  writeFileSync(keyAndCertificate, readFileSync(keyFile, 'utf8') + readFileSync(caFile, 'utf8'), { mode: 0o600 });
  return { keyAndCertificate, caFile };
}
