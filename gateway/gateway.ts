import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { Listener } from '../core/http/listener.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import { createApp } from './app.ts';
import { AppLog } from './audit/app-log.ts';
import { Audit } from './audit/audit.ts';
import { auditOperations } from './audit/operations.ts';
import type { Limits } from './http/limits.ts';
import type { Operation } from './http/operation.ts';
import type { GatewayConfig } from './options.ts';
import { signInOperations } from './sign-in/operations.ts';
import { Sessions } from './sign-in/sessions.ts';
import { openDatabase } from './storage/database.ts';
import { readOrMakeSecret } from './storage/secret.ts';
import { Delays, type DelaysOptions } from './users/delays.ts';
import { type FirstAdmin, makeFirstAdmin } from './users/first-admin.ts';
import { userOperations } from './users/operations.ts';
import { Passwords, type PasswordsOptions } from './users/passwords.ts';
import { Users } from './users/users.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  /** Users, secret, tasks and `app.log` live here. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  readonly tls?: TlsFiles;
  readonly logger: Logger;
  readonly firstAdmin?: FirstAdmin;
  /** Called once, with the password that was made for the first administrator. */
  readonly onFirstAdmin?: (admin: { readonly name: string; readonly password: string }) => void;
  /** Gets each record of the audit as a line of JSON. */
  readonly print?: (line: string) => void;
  readonly passwords?: PasswordsOptions;
  readonly delays?: DelaysOptions;
  readonly nowMs?: () => number;
}

const graceMs = 4_000;
const timeouts = { requestTimeoutMs: 30_000, headersTimeoutMs: 10_000 };

/** Users and their rights before training, update and prediction. */
export function createGateway(options: GatewayOptions): Stage & { readonly url: string } {
  const { dataFolder, host, port, tls, logger, nowMs = Date.now } = options;
  const listener = new Listener({ host, port, tls, ...timeouts, graceMs, logger });
  let database: DatabaseSync | undefined;
  const stage = createStage({
    async open() {
      const secret = readOrMakeSecret(join(dataFolder, 'gateway.secret'));
      database = openDatabase(join(dataFolder, 'gateway.db'));
      const passwords = new Passwords(options.passwords);
      const users = new Users(database, nowMs);
      const sessions = new Sessions({ database, secret, nowMs });
      const appLog = new AppLog({ file: join(dataFolder, 'app.log') });
      const audit = new Audit({ appLog, print: options.print ?? (() => {}), logger, nowMs });
      const made = await makeFirstAdmin(options.firstAdmin ?? {}, users, passwords);
      if (made) options.onFirstAdmin?.(made);
      const { registration, limits } = options.config;
      const delays = new Delays({ nowMs, ...options.delays });
      const operations: Operation[] = [
        ...signInOperations({ users, passwords, sessions, delays, registration }),
        ...userOperations({ users, passwords, sessions }),
        ...auditOperations({ audit }),
      ];
      const routes = { operations, sessions, users, audit, limits: limits as Limits };
      await listener.start(createApp({ ...routes, logger, tls: tls !== undefined, ready: () => true }));
    },
    async close() {
      await listener.stop();
      database?.close();
    },
  });
  return {
    ...stage,
    get url() {
      return listener.url;
    },
  };
}
