import { isLoopback } from '../../core/http/origin.ts';
import { createGateway } from '../../gateway/gateway.ts';
import { tlsFiles } from '../access.ts';
import { loadConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { print } from '../print.ts';
import { run } from '../run.ts';
import { withUrl } from './stages.ts';

export interface GatewayCommandOptions {
  readonly config: readonly string[];
  readonly data: string;
  readonly logLevel: string;
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Users with roles who predict, train and update over HTTP. */
export async function runGateway(options: GatewayCommandOptions): Promise<void> {
  const { host, port, data: dataFolder } = options;
  const [first = loadConfig('stream.yaml')] = options.config.map((file) => loadConfig(file));
  const logger = (await createLogger(options.logLevel)).child({ stage: 'gateway' });
  const tls = tlsFiles(options);
  if (!tls && !isLoopback(host))
    logger.warn(
      `passwords and tokens travel unencrypted on ${host}: use --tls-cert and --tls-key, or a proxy with TLS`,
    );
  const { GAPLINE_ADMIN_USER: name, GAPLINE_ADMIN_PASSWORD: password } = process.env;
  const gateway = createGateway({
    ...{ config: first.config.gateway, dataFolder, host, port, logger },
    ...(tls && { tls }),
    firstAdmin: { name: name || undefined, password: password || undefined },
    onFirstAdmin: (made) => print(`first administrator: ${made.name}, password ${made.password} (shown this once)\n`),
    print: (line) => print(`${line}\n`),
  });
  await run({ logger, parts: [withUrl(gateway, 'gateway')] });
}
