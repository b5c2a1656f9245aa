import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Access } from '../core/access/access.ts';
import { createGuard } from '../core/access/guard.ts';
import { Listener } from '../core/http/listener.ts';
import { isLoopback } from '../core/http/origin.ts';
import { HttpProblem } from '../core/http/problem.ts';
import type { TlsFiles } from '../core/http/tls.ts';
import { createStage, type Stage } from '../core/stage/stage.ts';
import { createApp } from './app.ts';
import { AppLog } from './audit/app-log.ts';
import { Audit } from './audit/audit.ts';
import { auditOperations } from './audit/operations.ts';
import { readDocsPage } from './http/docs-page.ts';
import type { Limits } from './http/limits.ts';
import type { Operation } from './http/operation.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { modelOperations } from './models/operations.ts';
import { Streams } from './models/served.ts';
import { simulationOperations } from './models/simulation.ts';
import type { GatewayConfig } from './options.ts';
import { signInOperations } from './sign-in/operations.ts';
import { Sessions } from './sign-in/sessions.ts';
import { openDatabase } from './storage/database.ts';
import { readOrMakeSecret } from './storage/secret.ts';
import type { GatewayStream } from './stream.ts';
import { taskOperations } from './tasks/operations.ts';
import { createPredictingWork } from './tasks/predicting.ts';
import { Runner } from './tasks/runner.ts';
import { type Task, Tasks, type TasksOptions } from './tasks/tasks.ts';
import { createTrainingWork, type TrainingWorkOptions } from './tasks/training.ts';
import { Delays, type DelaysOptions } from './users/delays.ts';
import { type FirstAdmin, makeFirstAdmin } from './users/first-admin.ts';
import { userOperations } from './users/operations.ts';
import { Passwords, type PasswordsOptions } from './users/passwords.ts';
import { Users } from './users/users.ts';

export interface GatewayOptions {
  readonly config: GatewayConfig;
  readonly streams: readonly GatewayStream[];
  readonly trainingCommand: TrainingWorkOptions['command'];
  /** Users, secret, tasks and `app.log` live here. */
  readonly dataFolder: string;
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  readonly tls?: TlsFiles;
  readonly logger: Logger;
  /** Tokens of programs that read metrics. While there are none, this machine may, and no other. */
  readonly access: Access;
  readonly registry?: Registry;
  readonly firstAdmin?: FirstAdmin;
  /** Called once, with the password that was made for the first administrator. */
  readonly onFirstAdmin?: (admin: { readonly name: string; readonly password: string }) => void;
  /** Gets each record of the audit as a line of JSON. */
  readonly print?: (line: string) => void;
  readonly passwords?: PasswordsOptions;
  readonly delays?: DelaysOptions;
  readonly tasks?: Omit<TasksOptions, 'database'>;
  readonly nowMs?: () => number;
}

const graceMs = 4_000;
const timeouts = { requestTimeoutMs: 30_000, headersTimeoutMs: 10_000 };

/** Users and their rights before training, update and prediction. */
export function createGateway(options: GatewayOptions): Stage & { readonly url: string } {
  const { host, port, tls, logger, registry = new Registry() } = options;
  const listener = new Listener({ host, port, tls, ...timeouts, graceMs, logger });
  const streams = new Streams(options.streams, logger);
  let database: DatabaseSync | undefined;
  let runners: readonly Runner[] = [];
  let watched: Parameters<typeof createMetrics>[1] = () => undefined;
  const metrics = createMetrics(registry, () => watched());
  const stage = createStage({
    async open() {
      const parts = await openParts(options, metrics);
      database = parts.database;
      const { tasks, audit, users, passwords } = parts;
      watched = () => ({ unfinished: (kind) => tasks.unfinishedOf(kind), hashesWaiting: passwords.waiting });
      await Promise.all(streams.all.map((each) => each.start()));
      const onEnded = ({ id, kind, stream, state, user }: Task): void => {
        metrics.taskEnded(kind, state);
        audit.record({ action: `${kind} ended`, task: id, stream, state, user: users.byId(user)?.name });
      };
      const training = createTrainingWork({ streams, command: options.trainingCommand });
      runners = [
        new Runner({ kind: 'train', tasks, work: training, logger, onEnded }),
        new Runner({ kind: 'predict', tasks, work: createPredictingWork(streams), logger, onEnded }),
      ];
      for (const runner of runners) runner.start();
      const operations = operationsOf(options, parts, streams, () => runners);
      const routes = { ...parts, operations, metrics, limits: options.config.limits as Limits };
      const guards = { mayReadMetrics: metricsGuard(options), ready: () => true };
      const page = await readDocsPage();
      await listener.start(createApp({ ...routes, ...guards, registry, logger, tls: tls !== undefined, page }));
    },
    async close() {
      await listener.stop();
      await Promise.all(runners.map((runner) => runner.stop()));
      await Promise.all(streams.all.map((each) => each.stop()));
      watched = () => undefined;
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

/** Programs that watch the gateway are no users, and sign in nowhere: they have a token with the scope `read`. */
function metricsGuard({ access, host }: GatewayOptions) {
  const mayRead = createGuard({ access, host })('read');
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (access.open && !isLoopback(host))
      throw new HttpProblem('unauthorized', 'make a token with the scope read: gapline tokens add');
    await mayRead(request, response);
  };
}

type Parts = Awaited<ReturnType<typeof openParts>>;

/** Opens what is kept, and makes the first administrator. */
async function openParts(options: GatewayOptions, metrics: Metrics) {
  const { dataFolder, logger, nowMs = Date.now } = options;
  const secret = readOrMakeSecret(join(dataFolder, 'gateway.secret'));
  const database = openDatabase(join(dataFolder, 'gateway.db'));
  const passwords = new Passwords(options.passwords);
  const users = new Users(database, nowMs);
  const sessions = new Sessions({ database, secret, nowMs });
  const appLog = new AppLog({ file: join(dataFolder, 'app.log') });
  const audit = new Audit({ appLog, print: options.print ?? (() => {}), logger, nowMs, onFailed: metrics.auditFailed });
  const delays = new Delays({ nowMs, ...options.delays });
  const tasks = new Tasks({ database, ...options.tasks });
  const made = await makeFirstAdmin(options.firstAdmin ?? {}, users, passwords);
  if (made) options.onFirstAdmin?.(made);
  return { database, passwords, users, sessions, audit, delays, tasks };
}

function operationsOf(
  { config: { registration } }: GatewayOptions,
  { users, passwords, sessions, delays, audit, tasks }: Parts,
  streams: Streams,
  runners: () => readonly Runner[],
): Operation[] {
  const work = {
    ...{ streams, tasks, users },
    wake: () => runners().forEach((runner) => void runner.wake()),
    cancelRunning: (id: string) => runners().forEach((runner) => void runner.cancel(id)),
  };
  return [
    ...signInOperations({ users, passwords, sessions, delays, registration }),
    ...modelOperations(work),
    ...taskOperations(work),
    ...simulationOperations({ streams }),
    ...userOperations({ users, passwords, sessions }),
    ...auditOperations({ audit }),
  ];
}
