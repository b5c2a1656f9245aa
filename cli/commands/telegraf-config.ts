import { writeFile } from 'node:fs/promises';
import { parseAddress } from '../../core/log/kafka/address.ts';
import { renderTelegrafConfig, type TelegrafKafka } from '../../telegraf/stream-input.ts';
import { loadConfig } from '../config/load.ts';
import { kafkaSecrets } from '../open.ts';
import { print } from '../print.ts';
import { resolveStream } from '../stream.ts';

export interface TelegrafConfigCommandOptions {
  readonly config: string;
  readonly set: readonly string[];
  readonly log: string;
  readonly caFile?: string;
  readonly output?: string;
}

/** Writes the inputs that bring a stream's predictions and status from Kafka to InfluxDB. */
export async function telegrafConfig(options: TelegrafConfigCommandOptions): Promise<void> {
  const stream = await resolveStream(loadConfig(options.config, options.set));
  const { brokers, ssl, sasl } = parseAddress({ url: options.log, ...kafkaSecrets() });
  const mechanism = sasl?.mechanism.toUpperCase() as TelegrafKafka['sasl'];
  const kafka = {
    brokers,
    tls: ssl !== false,
    ...(mechanism && { sasl: mechanism }),
    ...(options.caFile && { caFile: options.caFile }),
  };
  const text = renderTelegrafConfig({ stream, kafka });
  if (options.output === undefined) print(text);
  else await writeFile(options.output, text);
}
