import { configJsonSchema, configReference } from '../cli/config/reference.ts';
import { renderSchemas } from '../core/wire/json-schemas.ts';
import { contents, mayImport } from '../test/rooms.ts';
import { errorsPage } from './errors-page.ts';
import { roomsPicture } from './pictures/rooms.ts';
import { wrapMarkdown } from './wrap.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every document that is made from code, by its path from the root. */
export async function generatedDocuments(): Promise<Record<string, string>> {
  const schemas = Object.entries(renderSchemas()).map(([file, text]) => [`docs/schemas/${file}`, text]);
  return {
    'docs/configuration.md': wrapMarkdown(configReference()),
    'docs/errors.md': errorsPage(),
    'docs/schemas/stream.schema.json': json(configJsonSchema()),
    'docs/pictures/rooms.svg': roomsPicture(mayImport, contents),
    ...Object.fromEntries(schemas),
  };
}
