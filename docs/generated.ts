import { configJsonSchema, configReference } from '../cli/config/reference.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every document that is made from code, by its path from the root. */
export async function generatedDocuments(): Promise<Record<string, string>> {
  return {
    'docs/configuration.md': configReference(),
    'docs/schemas/stream.schema.json': json(configJsonSchema()),
  };
}
