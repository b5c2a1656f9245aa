import type { Stream } from '../core/wire/stream.ts';
import { type Format, predictionFormat, renderFormat, statusFormat } from './formats.ts';

/** How Telegraf reaches Kafka. User and password come from the environment. */
export interface TelegrafKafka {
  /** `HOST:PORT` each. */
  readonly brokers: readonly string[];
  readonly tls?: boolean;
  /** The certificate to trust, as a file that Telegraf can read. */
  readonly caFile?: string;
  readonly sasl?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
}

export interface TelegrafConfigOptions {
  readonly stream: Stream;
  readonly kafka: TelegrafKafka;
}

/**
 * Renders the inputs of one stream for Telegraf: predictions, shadow and status, each from its topic to its measurement. It goes beside
 * telegraf.conf, which has the agent and the output.
 */
export function renderTelegrafConfig({ stream, kafka }: TelegrafConfigOptions): string {
  const { name, topics } = stream;
  const input = (role: string, topic: string, format: Format, undelivered: number) =>
    kafkaInput({ stream: name, role, topic, format, kafka, undelivered });
  return [
    `# Made by \`gapline telegraf-config\` from the stream "${name}": change the stream and make it again.`,
    input('predictions', topics.predictions, predictionFormat, 10_000),
    input('shadow', topics.shadow, predictionFormat, 10_000),
    input('status', topics.status, statusFormat, 1_000),
  ].join('\n\n');
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Telegraf fills it in
const groupSuffix = '${GAPLINE_TELEGRAF_GROUP_SUFFIX:-}';

interface KafkaInput {
  readonly stream: string;
  readonly role: string;
  readonly topic: string;
  readonly format: Format;
  readonly kafka: TelegrafKafka;
  readonly undelivered: number;
}

function kafkaInput({ stream, role, topic, format, kafka, undelivered }: KafkaInput): string {
  return `[[inputs.kafka_consumer]]
  brokers = ${JSON.stringify(kafka.brokers)}
${security(kafka)}  topics = [${JSON.stringify(topic)}]
  # A second Telegraf, with another output, needs groups of its own.
  consumer_group = ${JSON.stringify(`${stream}.telegraf.${role}${groupSuffix}`)}
  name_override = ${JSON.stringify(`${stream}.${role}`)}
  # Kafka 4 answers older protocols with a closed connection.
  kafka_version = "3.6.0"
  # From the first record on; later from where the group is. An offset is committed once InfluxDB has the point.
  offset = "oldest"
  # Waits for Kafka instead of ending.
  startup_error_behavior = "retry"
  # All inputs together stay below the output's metric_buffer_limit, so that nothing unwritten is pushed out of it.
  max_undelivered_messages = ${undelivered}
  # Longer than a write to InfluxDB takes, or the partition is given up while it waits.
  max_processing_time = "60s"
${renderFormat('kafka_consumer', stream, format)}
`;
}

function security({ tls, caFile, sasl }: TelegrafKafka): string {
  const lines = [
    ...(tls ? ['enable_tls = true'] : []),
    ...(caFile === undefined ? [] : [`tls_ca = ${JSON.stringify(caFile)}`]),
    ...(sasl === undefined
      ? []
      : [
          `sasl_mechanism = ${JSON.stringify(sasl)}`,
          // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Telegraf fills them in
          'sasl_username = "${GAPLINE_KAFKA_USERNAME}"',
          'sasl_password = "${GAPLINE_KAFKA_PASSWORD}"',
          // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Telegraf fills them in
        ]),
  ];
  return lines.map((line) => `  ${line}\n`).join('');
}
