import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { influxdbSupply, startInfluxdb } from './influxdb.ts';
import { kafkaSupply, startKafka } from './kafka.ts';
import { obtain, obtained } from './obtain.ts';
import { freePort, startServer } from './process.ts';
import { startTelegraf, telegrafSupply } from './telegraf.ts';

const folder = await mkdtemp(join(tmpdir(), 'gapline-servers-'));
afterAll(() => rm(folder, { recursive: true }));

/** A process of ours that stands for a server: says that it is ready and waits. */
const standIn = (script: string) => ({
  name: 'stand-in',
  url: '',
  command: process.execPath,
  args: ['-e', script],
  data: { path: folder, temporary: false },
  ready: (output: () => string) => output().includes('ready'),
});
const waits = 'console.log("ready"); setInterval(() => {}, 1000)';

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });

describe('a server process', () => {
  it('is killed, started again as another process, and stopped even when paused', async () => {
    const server = await startServer(standIn(waits));
    const first = server.pid;
    await server.kill();
    expect(alive(first)).toBe(false);
    await server.restart();
    expect(server.pid).not.toBe(first);
    expect(alive(server.pid)).toBe(true);
    await server.pause();
    await server.stop();
    expect(alive(server.pid)).toBe(false);
  });

  it('that ends before it is ready is an error with what it wrote', async () => {
    const broken = standIn('console.error("no such disk"); process.exit(3)');
    await expect(startServer(broken)).rejects.toThrow(/ended at once[\s\S]*no such disk/);
  });

  it('that ends in many words is an error with the lines that name the reason first', async () => {
    const words = [
      'INFO starting',
      'FATAL the port is in use',
      ...Array.from({ length: 40 }, (_, at) => `closing ${at}`),
    ];
    const broken = standIn(`console.log(${JSON.stringify(words.join('\n'))}); process.exit(1)`);
    const message = await startServer(broken).then(String, ({ message }: Error) => message);
    expect(message.split('\n').slice(0, 3)).toEqual([
      'stand-in ended at once:',
      'FATAL the port is in use',
      'closing 20',
    ]);
    expect(message).toMatch(/closing 39$/);
  });

  it('that cannot be started is an error too', async () => {
    await expect(startServer({ ...standIn(waits), command: join(folder, 'nothing-here') })).rejects.toThrow(
      /ended at once/,
    );
  });
});

describe('a free port', () => {
  const range = '/proc/sys/net/ipv4/ip_local_port_range';

  it('is another one each time, and none that the system gives to outgoing connections', async () => {
    const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()));
    expect(new Set(ports).size).toBe(50);
    const [first = 0, last = 0] = existsSync(range) ? readFileSync(range, 'utf8').split(/\s+/).map(Number) : [];
    if (first >= 21_000) expect(ports.filter((port) => port >= first && port <= last)).toEqual([]);
  });

  it('is not one that is taken, nor one that was given before', async () => {
    const [taken, free] = [await freePort(), await freePort()];
    const server = createServer().listen(taken, '127.0.0.1');
    await once(server, 'listening');
    const choices = [taken, free];
    expect([taken, free]).not.toContain(await freePort(() => choices.shift() ?? 0));
    expect(choices).toEqual([]);
    server.close();
  });

  it('is one of the system where a fixed one cannot be chosen', async () => {
    expect(await freePort(() => 0)).toBeGreaterThan(0);
  });
});

describe('the cache', () => {
  const supply = (make: (folder: string) => Promise<void>) => ({
    title: 'Thing 1',
    folder: 'thing-1',
    ways: [
      { title: 'from afar', make: () => Promise.reject(new Error('afar cannot be reached')) },
      { title: 'by hand', make },
    ],
  });

  it('takes the way that works, once', async () => {
    vi.stubEnv('GAPLINE_CACHE', join(folder, 'cache'));
    const lines: string[] = [];
    const make = vi.fn((into: string) => writeFile(join(into, 'program'), ''));
    const thing = supply(make);
    expect(obtained(thing)).toBeUndefined();
    const at = await obtain(thing, (line) => lines.push(line));
    expect(existsSync(join(at, 'program'))).toBe(true);
    expect(await obtain(thing, () => {})).toBe(at);
    expect(make).toHaveBeenCalledTimes(1);
    expect(lines.join('\n')).toContain('did not work (from afar: afar cannot be reached)');
    vi.unstubAllEnvs();
  });

  it('keeps nothing of a way that failed, and says what each way said', async () => {
    vi.stubEnv('GAPLINE_CACHE', join(folder, 'other-cache'));
    const thing = supply(async (into) => {
      await writeFile(join(into, 'half'), '');
      throw new Error('the disk is full');
    });
    await expect(obtain(thing, () => {})).rejects.toThrow(/afar cannot be reached[\s\S]*the disk is full/);
    expect(obtained(thing)).toBeUndefined();
    vi.unstubAllEnvs();
  });
});

describe.runIf(obtained(kafkaSupply))('Kafka', () => {
  it('keeps its port through a kill and a restart', { timeout: 120_000 }, async () => {
    const kafka = await startKafka();
    try {
      expect(await accepts(kafka.port)).toBe(true);
      await kafka.kill();
      expect(await accepts(kafka.port)).toBe(false);
      await kafka.restart();
      expect(await accepts(kafka.port)).toBe(true);
    } finally {
      await kafka.stop();
    }
    expect(existsSync(kafka.dataFolder)).toBe(false);
  });
});

describe.runIf(obtained(influxdbSupply) && obtained(telegrafSupply))('InfluxDB and Telegraf', () => {
  it('move a point, and InfluxDB keeps it through a kill and a restart', { timeout: 120_000 }, async () => {
    const influxdb = await startInfluxdb();
    const query = async () => {
      const answer = await fetch(`${influxdb.url}/api/v2/query?org=${influxdb.org}`, {
        method: 'POST',
        headers: { authorization: `Token ${influxdb.token}`, 'content-type': 'application/vnd.flux' },
        body: `from(bucket: "${influxdb.bucket}") |> range(start: 0) |> filter(fn: (r) => r._measurement == "kept")`,
      });
      return answer.text();
    };
    const configFile = join(folder, 'telegraf.conf');
    await writeFile(join(folder, 'point.txt'), 'kept value=42\n');
    await writeFile(
      configFile,
      `[agent]
      interval = "1s"
      flush_interval = "1s"
      [[inputs.file]]
      files = ["${join(folder, 'point.txt')}"]
      data_format = "influx"
      [[outputs.influxdb_v2]]
      urls = ["${influxdb.url}"]
      token = "\${TOKEN}"
      organization = "${influxdb.org}"
      bucket = "${influxdb.bucket}"
      `,
    );
    const telegraf = await startTelegraf({ configFiles: [configFile], env: { TOKEN: influxdb.token } });
    try {
      await vi.waitFor(async () => expect(await query()).toContain(',42,'), { timeout: 30_000, interval: 200 });
      await telegraf.stop();
      await influxdb.kill();
      await influxdb.restart();
      expect(await query()).toContain(',42,');
    } finally {
      await telegraf.stop();
      await influxdb.stop();
    }
  });
});
