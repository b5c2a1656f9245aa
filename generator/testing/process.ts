import { createGenerator, type GeneratorOptions } from '../generator.ts';
import { optionsOf } from './source.ts';

/** A generator in a process of its own, to be killed. Its parent sends the address and what differs from the usual options. */
process.once('message', async ({ url, changes }: { url: string; changes: Partial<GeneratorOptions> }) => {
  const generator = createGenerator(optionsOf(url, changes));
  await generator.start();
  await generator.finished;
  process.disconnect();
});
