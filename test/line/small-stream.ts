import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { createProgram } from '../../cli/program.ts';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import { describeError, GaplineError } from '../../core/wire/errors.ts';
import { temporaryFolder } from './gapline.ts';

/** Runs a command in this process: a process of its own for each of two dozen would take minutes on a busy machine. */
export async function runHere(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const complain = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    await createProgram().parseAsync(['node', 'gapline', ...args]);
    return { code: 0, stdout, stderr: '' };
  } catch (error) {
    if (!(error instanceof GaplineError)) throw error;
    return { code: 1, stdout, stderr: `${describeError(error)} [${error.code}]\n` };
  } finally {
    write.mockRestore();
    complain.mockRestore();
  }
}

/** Of {@link smallStream}. */
export const fields = ['char_freq_!', 'word_freq_a', 'word_freq_b', 'word_freq_c', 'word_freq_d', 'word_freq_e'];

/**
 * A stream without a version. Each field is a view of the same figure, so a missing one follows from the others, as the
 * conditional mean knows. The mean is in the middle, where spam is.
 */
export function smallStream(model: string): string {
  const folder = temporaryFolder();
  const random = mulberry32(1);
  const table = (rows: number): string => {
    const lines = Array.from({ length: rows }, () => {
      const seen = 3 * random();
      const values = fields.map((_, at) => (seen + (random() - 0.5) * (at === 0 ? 0.4 : 0.8)).toFixed(3));
      return [...values, seen > 1 && seen < 2 ? 'spam' : 'ham'].join(',');
    });
    return `${[[...fields, 'label'].join(','), ...lines].join('\n')}\n`;
  };
  writeFileSync(join(folder, 'train.csv'), table(600));
  writeFileSync(join(folder, 'test.csv'), table(300));
  const config = join(folder, 'stream.yaml');
  const text = `stream: mail
data: { train: train.csv, replay: test.csv, truth: label }
generator: { devices: 5, rate: 50, gaps: { rate: 0.1, pattern: random } }
model: { name: mail, alias: champion${model} }
`;
  writeFileSync(config, text);
  return config;
}
