import express from 'express';
import helmet from 'helmet';
import type { Logger } from 'pino';
import type { Access } from '../core/access/access.ts';
import { createGuard } from '../core/access/guard.ts';
import { Listener } from '../core/http/listener.ts';
import { HttpProblem, problemHandler } from '../core/http/problem.ts';
import { generatorControlSchema } from '../core/wire/generator-control.ts';
import { validate } from '../core/wire/validate.ts';
import type { ControlledGenerator } from './control.ts';

export interface ControlEndpointOptions {
  readonly generator: Pick<ControlledGenerator, 'set' | 'state'>;
  /** Controls need the scope `admin`. */
  readonly access: Access;
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  readonly logger: Logger;
  readonly onListening?: (url: string) => void;
}

const timeouts = { requestTimeoutMs: 10_000, headersTimeoutMs: 10_000 };

/** `GET /control` and `POST /control` of a generator, and `/health`. */
export function createControlEndpoint({ generator, access, host, port, logger, onListening }: ControlEndpointOptions) {
  const mayControl = createGuard({ access, host })('admin');
  const app = express()
    .disable('x-powered-by')
    .disable('etag')
    .use(helmet({ strictTransportSecurity: false }));
  app.get('/health', (_request, response) => void response.json({ status: 'pass' }));
  app.use(async (request, response, next) => {
    await mayControl(request, response);
    next();
  });
  app.get('/control', (_request, response) => void response.json(generator.state()));
  app.post('/control', express.json({ limit: '1kb' }), async (request, response) => {
    const { success, data } = validate(generatorControlSchema, request.body);
    if (!success)
      throw new HttpProblem('control-invalid', 'send {"running":true,"rate":50}, with a rate from 0 to 10000000');
    response.json(await generator.set(data));
  });
  app.use((request) => {
    throw new HttpProblem('not-found', `there is no ${request.method} of this address; /control is there`);
  });
  app.use(problemHandler('the generator', logger));
  const listener = new Listener({ host, port, ...timeouts, logger });
  return {
    async start(): Promise<void> {
      await listener.start(app);
      onListening?.(listener.url);
    },
    stop: () => listener.stop(),
    get url(): string {
      return listener.url;
    },
  };
}
