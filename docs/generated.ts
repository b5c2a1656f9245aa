import { readFileSync } from 'node:fs';
import { configJsonSchema, configReference } from '../cli/config/reference.ts';
import { stepsReference } from '../core/steps/reference.ts';
import { renderSchemas } from '../core/wire/json-schemas.ts';
import { contents, mayImport } from '../test/rooms.ts';
import { errorsPage } from './errors-page.ts';
import { roomsPicture } from './pictures/rooms.ts';
import { signalPictures } from './pictures/signals.ts';
import { wrapMarkdown } from './wrap.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every document that is made from code, by its path from the root. */
export async function generatedDocuments(): Promise<Record<string, string>> {
  const schemas = Object.entries(renderSchemas()).map(([file, text]) => [`docs/schemas/${file}`, text]);
  return {
    'docs/configuration.md': wrapMarkdown(configReference()),
    'docs/errors.md': errorsPage(),
    'docs/signals.md': wrapMarkdown(withSection('signals.md', 'steps', stepsReference())),
    'docs/schemas/stream.schema.json': json(configJsonSchema()),
    'docs/pictures/rooms.svg': roomsPicture(mayImport, contents),
    ...signalPictures(),
    ...Object.fromEntries(schemas),
  };
}

/** A document that is written by hand but for one section, with that section made anew. */
function withSection(file: string, name: string, text: string): string {
  const before = readFileSync(new URL(file, import.meta.url), 'utf8');
  const open = `<!-- ${name} -->`;
  const close = `<!-- /${name} -->`;
  const from = before.indexOf(open);
  const to = before.indexOf(close);
  if (from < 0 || to < from) throw new Error(`docs/${file} has no section ${open} … ${close}`);
  return `${before.slice(0, from)}${open}\n\n${text}\n\n${before.slice(to)}`;
}
