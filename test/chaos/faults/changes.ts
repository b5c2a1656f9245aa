import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { copyProject } from '../copy.ts';
import { gapline } from '../gapline.ts';
import { between, type Fault, seconds } from './fault.ts';

/** Partitions move to a second classifier and back, in the middle of batches; it leaves in order or is killed. */
export const rebalance: Fault = {
  name: 'a second classifier comes and goes',
  touches: ['second classifier'],
  seconds: 16,
  async strike({ addClassifier }, random) {
    const second = await addClassifier();
    await seconds(between(random, 4, 12));
    if (random.next() < 0.5) await second.kill();
    else await second.end();
  },
};

/** A version that did not serve takes over; of a windowed stream also one with other windows. */
export const swap: Fault = {
  name: 'another model takes over',
  touches: ['model'],
  seconds: 5,
  async strike({ lines }, random) {
    for (const { command } of lines) {
      const listed = (await command('models', 'list')).split('\n').filter((line) => /^\d+\t/.test(line));
      const others = listed.filter((line) => !line.includes('champion')).map((line) => line.split('\t')[0] ?? '');
      const chosen = others[Math.floor(random.next() * others.length)];
      if (chosen === undefined) throw new Error(`no other version: ${listed.join()}`);
      await command('models', 'promote', chosen);
    }
    await seconds(3);
  },
};

/** Another version's folder; processes end in order, one by one, and are started from there. */
export const upgrade: Fault = {
  name: 'a newer version is rolled in',
  touches: ['collector', 'classifier', 'archive'],
  seconds: 20,
  async strike({ folder, parts, useRoot, tell }, random) {
    const version = `9.${Math.floor(random.next() * 1_000_000)}.0`;
    const newer = join(folder, version);
    await copyProject(newer);
    const manifest = join(newer, 'package.json');
    const text = await readFile(manifest, 'utf8');
    await writeFile(manifest, text.replace(/"version": "[^"]*"/, `"version": "${version}"`));
    tell(`rolling in version ${(await gapline(newer, ['--version'])).trim()}`);
    useRoot(newer);
    for (const name of ['archive', 'classifier', 'collector'] as const) {
      await parts[name].end();
      await parts[name].bringBack();
    }
  },
};
