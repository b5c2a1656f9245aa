import { readFileSync } from 'node:fs';
import { configJsonSchema, configReference } from '../cli/config/reference.ts';
import { stepsReference } from '../core/steps/reference.ts';
import { renderSchemas } from '../core/wire/json-schemas.ts';
import { contents, mayImport } from '../test/rooms.ts';
import { errorsPage } from './errors-page.ts';
import { gatewayPage } from './gateway-page.ts';
import { roomsPicture } from './pictures/rooms.ts';
import { seriesGapPictures } from './pictures/series-gaps.ts';
import { signalPictures } from './pictures/signals.ts';
import { withSection } from './section.ts';
import { wrapMarkdown } from './wrap.ts';

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** The section that names the steps is made; the rest is written by hand. */
function signalsPage(): string {
  const page = readFileSync(new URL('signals.md', import.meta.url), 'utf8');
  return withSection(page, 'steps', `\n\n${stepsReference()}\n\n`, 'docs/signals.md');
}

/** Every document that is made from code, by its path from the root. */
export async function generatedDocuments(): Promise<Record<string, string>> {
  const schemas = Object.entries(renderSchemas()).map(([file, text]) => [`docs/schemas/${file}`, text]);
  return {
    'docs/configuration.md': wrapMarkdown(configReference()),
    'docs/errors.md': errorsPage(),
    'docs/gateway.md': wrapMarkdown(gatewayPage()),
    'docs/signals.md': wrapMarkdown(signalsPage()),
    'docs/schemas/stream.schema.json': json(configJsonSchema()),
    'docs/pictures/rooms.svg': roomsPicture(mayImport, contents),
    ...signalPictures(),
    ...seriesGapPictures(readFileSync(new URL('benchmarks.md', import.meta.url), 'utf8')),
    ...Object.fromEntries(schemas),
  };
}
