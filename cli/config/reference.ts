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
    'One `stream.yaml` says what a stream is. Paths in it are relative to the file. `--set KEY=VALUE` overrides any key for one run.',
    'Editors that know YAML schemas complete and check it with `# yaml-language-server: $schema=PATH/docs/schemas/stream.schema.json`',
    'as the first line. Where the line runs is said on the command line (`./gapline --help`); secrets come from the environment.',
    '',
    '| key | what it is | values | default |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function rowsOf(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const path = prefix + key;
    if (child.properties) return rowsOf(child, `${path}.`);
    return [`| \`${path}\` | ${escapeCell(child.description ?? '')} | ${valuesOf(child)} | ${defaultOf(child)} |`];
  });
}

function valuesOf({ type, enum: choices, minimum, maximum, items }: JsonSchema): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  const kind =
    type === 'array' ? `list of ${items?.type ?? 'values'}` : type === 'integer' ? 'whole number' : (type ?? '');
  return minimum === undefined ? kind : `${kind}, ${minimum} to ${maximum}`;
}

const defaultOf = (schema: JsonSchema): string =>
  schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``;
const escapeCell = (text: string): string => text.replaceAll('|', '\\|');
