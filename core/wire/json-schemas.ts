import { z } from 'zod';
import { alertSchema, promotionNoticeSchema } from './alert.ts';
import { deadLetterSchema } from './dead-letter.ts';
import { factSchema } from './fact.ts';
import { anyFactInputSchema } from './fact-input.ts';
import { anyLongInputSchema } from './long-input.ts';
import { predictionSchema } from './prediction.ts';
import { problemSchema } from './problem.ts';
import { readingSchema } from './reading.ts';
import { anyReadingInputSchema } from './reading-input.ts';
import { samplesSchema } from './samples.ts';
import { anySamplesInputSchema } from './samples-input.ts';
import { statusSchema } from './status.ts';

const schemas = {
  'reading-input.json': anyReadingInputSchema(),
  'long-input.json': anyLongInputSchema(),
  'reading.json': readingSchema,
  'samples-input.json': anySamplesInputSchema(),
  'samples.json': samplesSchema,
  'prediction.json': predictionSchema,
  'fact-input.json': anyFactInputSchema(),
  'fact.json': factSchema,
  'status.json': statusSchema,
  'alert.json': alertSchema,
  'promotion-notice.json': promotionNoticeSchema,
  'dead-letter.json': deadLetterSchema,
  'problem.json': problemSchema,
};

/** The JSON Schemas of everything that travels: file name to text, as `docs/schemas/` holds them. */
export function renderSchemas(): Record<string, string> {
  const rendered = Object.entries(schemas).map(([file, schema]) => [
    file,
    `${JSON.stringify(z.toJSONSchema(schema, { io: 'input' }), null, 2)}\n`,
  ]);
  return Object.fromEntries(rendered);
}
