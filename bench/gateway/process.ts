import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beats, fields } from '../../examples/heartbeat/simulator.ts';
import { end, printed } from '../child.ts';
import type { FloodJob } from './flood.ts';
import { predictionsTo, sendBy } from './senders.ts';

const root = resolve(import.meta.dirname, '../..');
const password = 'the password of the bench';
const unlimited = 1_000_000;

/** A gateway in a process of its own, with heartbeats and a model that was trained through it. */
export async function startGateway({ userLimit }: { readonly userLimit: number }) {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-gateway-bench-'));
  writeStream(folder, userLimit);
  const args = ['gateway', '--config', join(folder, 'stream.yaml'), '--data', join(folder, 'data'), '--port', '0'];
  const child = spawn(join(root, 'gapline'), [...args, '--log-level', 'error'], {
    env: { ...process.env, GAPLINE_ADMIN_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await printed(child, /gateway: (http\S+)/);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const send = (path: string, body: string | undefined, token?: string) => sendBy(agent, url + path, body, token);
  const json = async (path: string, body?: object, token?: string) => {
    const { status, text } = await send(path, body && JSON.stringify(body), token);
    if (status >= 400) throw new Error(`${path}: ${status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  const signIn = async (username: string, secret: string): Promise<string> =>
    (await json('/auth/jwt/login', { username, password: secret })).access_token;
  const admin = await signIn('admin', password);
  const train = async (trees: number): Promise<string> =>
    (await json('/train', { hyperparameters: { trees } }, admin)).id;
  const becomes = async (id: string, states: readonly string[]): Promise<void> => {
    for (;;) {
      const { state, reason } = await json(`/tasks/${id}`, undefined, admin);
      if (states.includes(state)) return;
      if (state === 'failed') throw new Error(reason);
      await sleep(200);
    }
  };
  await becomes(await train(60), ['done']);

  return {
    async user(username: string, role: string): Promise<string> {
      const { code } = await json('/users', { username, roles: [{ role, stream: '*' }] }, admin);
      const secret = `the password of ${username}`;
      await json('/auth/reset', { username, code, password: secret });
      return await signIn(username, secret);
    },
    /** Sends a prediction of one beat, and gives the status. */
    predictions: (token: string) => predictionsTo({ agent, url, token }),
    /** Requests of a user from a process of their own, whose work is not the sender's that is measured. */
    async flood(token: string, pace: FloodJob['pace']) {
      const job: FloodJob = { url, token, pace };
      const flood = spawn(process.execPath, [join(import.meta.dirname, 'flood.ts'), JSON.stringify(job)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await printed(flood, /(begun)/);
      const refused = printed(flood, /refused (\d+)/);
      return {
        async end() {
          flood.kill('SIGTERM');
          return Number(await refused);
        },
      };
    },
    /** Trainings, one after the other, until they are ended. */
    async train() {
      const ids: string[] = [];
      while (ids.length < 4) ids.push(await train(10_000));
      await becomes(ids[0] ?? '', ['running']);
      // Node starts and reads the table before it trains.
      await sleep(2_000);
      return {
        async end() {
          const states = await Promise.all(ids.map(async (id) => (await json(`/tasks/${id}`, undefined, admin)).state));
          if (!states.includes('running')) throw new Error(`the trainings were ${states} before the run was over`);
          for (const [index, id] of ids.entries())
            if (states[index] !== 'done') await json(`/tasks/${id}/cancel`, {}, admin);
          for (const id of ids) await becomes(id, ['cancelled', 'done']);
        },
        what: () => ', trainings ran all the time',
      };
    },
    async stop() {
      agent.destroy();
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function writeStream(folder: string, userLimit: number): void {
  for (const [name, count, seed] of [
    ['train', 1_500, 1],
    ['test', 500, 2],
  ] as const) {
    const rows = beats(count, seed).map(
      ({ kind, values }) => `${values.map((value) => value ?? '').join(',')},${kind}`,
    );
    writeFileSync(join(folder, `${name}.csv`), `${[`${fields.join(',')},label`, ...rows].join('\n')}\n`);
  }
  const predict = { viewer: userLimit, user: userLimit, operator: unlimited, admin: unlimited };
  const stream = {
    stream: 'heartbeat',
    data: { train: 'train.csv', replay: 'test.csv', truth: 'label' },
    training: { classWeights: 'balanced', seed: 1 },
    gateway: { limits: { predict, read: unlimited, start: unlimited, change: unlimited } },
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'stream.yaml'), JSON.stringify(stream));
}
