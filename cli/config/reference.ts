import { z } from 'zod';
import { configSchema } from './schema.ts';

interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  /** What it holds, where its type does not tell. */
  values?: string;
}

/** The JSON Schema of stream.yaml, for editors. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema;
}

/** The table of every key, as `docs/configuration.md` shows it. */
export function configReference(): string {
  const rows = rowsOf(configJsonSchema(), '');
  return [
    '# Configuration',
    '',
    '<!-- Made from cli/config/schema.ts by `npm run docs`. -->',
    '',
    'One `stream.yaml` defines a stream. Paths in it are relative to the file. `--set KEY=VALUE` overrides any key for one run.',
    'Editors that know YAML schemas complete and check it with `# yaml-language-server: $schema=PATH/docs/schemas/stream.schema.json`',
    'as the first line. Where the line runs is given on the command line (`./gapline --help`); secrets come from the environment.',
    '',
    '| key | what it is | values | default |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
    '## Endpoints',
    '',
    'Collector, live page and model server take `--host` (default 127.0.0.1), `--tls-cert` and `--tls-key` (PEM files; a renewed pair is taken in',
    'while they run), `--rate-per-token` and `--rate-per-address` (requests a minute). Where `--host` is more than this machine they start only with',
    'a token: one of `gapline tokens add`, or the one of the environment.',
    '',
    '## Environment',
    '',
    '| variable | what it holds |',
    '| --- | --- |',
    ...environment.map(([name, what]) => `| \`${name}\` | ${what} |`),
    '',
  ].join('\n');
}

const environment = [
  [
    'GAPLINE_TOKEN',
    'a token that collector, live page and model server take, allowed everything; and what `generate` sends',
  ],
  ['GAPLINE_INFLUXDB_TOKEN', 'the token of InfluxDB'],
  ['GAPLINE_KAFKA_USERNAME', 'who logs in to Kafka, with `?sasl=` in its address'],
  ['GAPLINE_KAFKA_PASSWORD', 'the password for it'],
  ['GAPLINE_KAFKA_CA', 'a file (PEM) of certificates to trust for `kafkas://`'],
  ['MLFLOW_TRACKING_USERNAME', 'who logs in to MLflow'],
  ['MLFLOW_TRACKING_PASSWORD', 'the password for it'],
  ['MLFLOW_TRACKING_TOKEN', 'a token for MLflow, in place of both'],
  ['GAPLINE_ADMIN_USER', 'the name of the first administrator of `gapline gateway`; default: admin'],
  ['GAPLINE_ADMIN_PASSWORD', 'the password for it; default: a random one, printed once'],
  ['GAPLINE_WEBHOOK_SECRET', 'signs the alerts that webhooks are sent; `secretFrom` names another variable'],
  ['NODE_EXTRA_CA_CERTS', 'a file (PEM) of certificates to trust for `https://`'],
  ['GAPLINE_DEBUG', 'anything: an unforeseen error prints where it came from'],
] as const;

function rowsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const path = prefix + key;
    if (child.properties) return rowsOf(child, `${path}.`);
    if (child.items?.properties) return rowsOf(child.items, `${path}[].`);
    return [`| \`${path}\` | ${escapeCell(child.description ?? '')} | ${valuesOf(child)} | ${defaultOf(child)} |`];
  });
}

function valuesOf({ type, enum: choices, minimum, maximum, items, values }: JsonSchema): string {
  if (values) return values;
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  const kind =
    type === 'array' ? `list of ${items?.type ?? 'values'}` : type === 'integer' ? 'whole number' : (type ?? '');
  return minimum === undefined ? kind : `${kind}, ${minimum} to ${maximum}`;
}

const defaultOf = (schema: JsonSchema): string =>
  schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
const escapeCell = (text: string): string => text.replaceAll('|', '\\|');
