import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from './config/load.ts';
import { collectorOptions, resolveStream } from './stream.ts';

test.each([
  ['', 3_600_000],
  ['maxAhead: 10s', 10_000],
  ['maxAhead: 1500us', 1],
  ['maxAhead: 2h', 3_600_000],
])('the endpoint refuses what a window with "%s" would skip as ahead of its arrival', (parameter, maxAheadMs) => {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-stream-'));
  try {
    const file = join(folder, 'stream.yaml');
    const steps = `steps: [{ use: window, length: 1s${parameter && `, ${parameter}`} }, { use: statistics }]`;
    writeFileSync(file, `stream: motors\ndata: { train: t.csv, truth: state }\nmodel: { name: motors }\n${steps}\n`);
    expect(collectorOptions(loadConfig(file, []))).toMatchObject({ maxAheadMs });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['ppg/segments.yaml', [], { channels: ['sample'], length: 2_000, rate: 125 }],
  ['ppg/stream.yaml', [], undefined],
  ['ecg/stream.yaml', [], { channels: ['sample'], length: 187, rate: 125 }],
  // An import without steps of its own: the configuration knows how fast the samples are.
  ['ecg/stream.yaml', ['model.alias="3"'], { channels: ['sample'], length: 187, rate: 125 }],
  ['ecg/stream.yaml', ['model.alias="3"', 'steps=[]'], undefined],
])('examples/%s with %j says whether a reading is a whole segment', async (file, set, segments) => {
  const stream = await resolveStream(loadConfig(join(import.meta.dirname, '../examples', file), set));
  expect(stream.segments).toEqual(segments);
});
