import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gapline, temporaryFolder } from './gapline.ts';
import { GatewayClient } from './gateway-client.ts';

// Commands as people start them: a gateway that asks `gapline serve`, and one that labels itself.

const samples = 24;
const wave = (kind: number, at: number): number => Math.sin(at * (kind === 0 ? 0.3 : 0.9)) + Math.sin(at * 12.9898) / 9;

/** Whole segments: a row is a wave. */
function segments(folder: string): string {
  const columns = Array.from({ length: samples }, (_, at) => `s${at}`);
  const rows = Array.from({ length: 80 }, (_, row) =>
    [...columns.map((_, at) => wave(row % 2, at + row).toFixed(3)), row % 2 ? 'fast' : 'slow'].join(','),
  );
  writeFileSync(join(folder, 'rows.csv'), [`${columns.join(',')},label`, ...rows].join('\n'));
  return 'data: { train: rows.csv, truth: label }\ntraining: { estimator: rocket }\n';
}

/** Windows of two channels, of which a forest sees statistics. */
function windows(folder: string): string {
  const rows = Array.from({ length: 1_600 }, (_, n) => {
    const [device, at] = [n % 4, Math.floor(n / 4)];
    const stamp = new Date(1_760_000_000_000 + at * 100).toISOString();
    return `d${device},${stamp},${wave(device % 2, at).toFixed(3)},${at % 7},${device % 2 ? 'fast' : 'slow'}`;
  });
  writeFileSync(join(folder, 'rows.csv'), ['device,time,x,y,label', ...rows].join('\n'));
  return `data: { train: rows.csv, truth: label, device: device, time: time }
steps: [{ use: window, length: 2s, rate: 10 }, { use: statistics, features: [std, slope] }]
training: { trees: 10 }
`;
}

const part = (from: number, gap: number) =>
  Array.from({ length: samples }, (_, at) => (at === gap ? null : wave(from % 2, at + from)));
const cases = {
  segments: { of: segments, body: { rows: [part(0, 3), part(1, 5), part(2, 30)] } },
  windows: {
    of: windows,
    body: {
      windows: [{ values: { x: part(0, 3).slice(0, 20), y: part(1, 5).slice(0, 20) } }, { values: { x: part(1, 4) } }],
    },
  },
};

test.each(Object.entries(cases))(
  '%s: the answers of a model server are those of the gateway itself',
  async (_, { of, body }) => {
    const folder = temporaryFolder();
    const config = join(folder, 'stream.yaml');
    const stream = `stream: waves\n${of(folder)}`;
    writeFileSync(config, stream);
    const trained = await gapline(['train', '--config', config]).ended;
    expect(trained.code, trained.stderr).toBe(0);
    const serve = gapline(['serve', '--config', config, '--port', '0', '--log-level', 'error']);
    const url = await serve.printed(/(http:\S+?)\/?(\s|$)/);
    const asking = join(folder, 'asking.yaml');
    writeFileSync(asking, `${stream}gateway: { serve: "${url}" }\n`);
    const answers = [];
    for (const [name, file] of Object.entries({ own: config, served: asking })) {
      const gateway = await GatewayClient.start(file, join(folder, name));
      answers.push({ status: await gateway.request('/status'), labels: await gateway.request('/predict', body) });
      await gateway.end('SIGTERM');
    }
    const [own, served] = answers;
    expect(own?.labels).toMatchObject({ status: 200, body: { model: { name: 'waves', version: 1 } } });
    expect(served).toEqual(own);
    serve.kill('SIGTERM');
  },
  240_000,
);
