import { spawnSync } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, type ServerHandle, startServer } from './process.ts';

// Debian keeps it where only root looks.
const path = `${process.env.PATH}${delimiter}/usr/sbin`;

/** Whether Debian's mosquitto and mosquitto-clients are here. */
export const mosquittoIsHere = (): boolean =>
  ['mosquitto', 'mosquitto_pub'].every(
    (program) => spawnSync(program, ['--help'], { env: { PATH: path } }).error === undefined,
  );

/** A broker for MQTT on loopback that lets everybody in. */
export async function startMosquitto(): Promise<ServerHandle & { readonly port: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'gapline-mosquitto-'));
  const port = await freePort();
  const config = join(folder, 'mosquitto.conf');
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
  const server = await startServer({
    ...{ name: 'mosquitto', url: `tcp://127.0.0.1:${port}`, command: 'mosquitto', args: ['-c', config] },
    env: { PATH: path },
    data: { path: folder, temporary: true },
    ready: (output) => output().includes('running'),
  });
  return Object.assign(server, { port });
}
