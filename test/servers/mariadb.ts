import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

const PATH = `${process.env.PATH}:/usr/sbin`;

/** Whether Debian's `mariadb-server` is installed. */
export const mariadbIsHere = (): boolean =>
  spawnSync('sh', ['-c', 'command -v mariadbd'], { env: { PATH } }).status === 0;

export interface Mariadb extends ServerHandle {
  /** As `GAPLINE_SQL_DSN` of telegraf/sql.conf. */
  readonly dsn: string;
  /** Rows of a query, each a line with tabs. */
  query(sql: string): Promise<string[]>;
}

/** A MariaDB with the database `gapline` and what a script makes in it. */
export async function startMariadb(scriptFile: string): Promise<Mariadb> {
  const data = await dataFolder('mariadb');
  const port = await freePort();
  const socket = join(data.path, 's');
  const own = [`--datadir=${join(data.path, 'data')}`, `--user=${userInfo().username}`];
  const script = await readFile(scriptFile, 'utf8');

  async function run(sql: string, ...args: string[]): Promise<string> {
    const client = spawn(
      'mariadb',
      ['--no-defaults', `--socket=${socket}`, '-uroot', '-N', '-B', '--default-character-set=utf8mb4', ...args],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    client.stdin.on('error', () => {}).end(sql);
    let out = '';
    client.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    const [code] = await once(client, 'close');
    if (code !== 0) throw new Error(`mariadb ended with ${code}`);
    return out;
  }

  const server = await startServer({
    ...{ name: 'mariadb', url: `127.0.0.1:${port}`, data, command: 'mariadbd', env: { PATH } },
    args: ['--no-defaults', ...own, `--socket=${socket}`, `--port=${port}`, '--bind-address=127.0.0.1'],
    async prepare() {
      const set = ['--no-defaults', ...own, '--auth-root-authentication-method=normal', '--skip-test-db'];
      await promisify(execFile)('mariadb-install-db', set, { env: { PATH } });
    },
    ready: (output) => output().includes('ready for connections'),
  });
  await run(`CREATE DATABASE gapline; CREATE USER gapline@'127.0.0.1' IDENTIFIED BY 'secret';
    GRANT ALL ON gapline.* TO gapline@'127.0.0.1'`);
  await run(script, 'gapline');
  return Object.assign(server, {
    dsn: `gapline:secret@tcp(127.0.0.1:${port})/gapline`,
    query: async (sql: string) => (await run(sql, 'gapline')).split('\n').filter(Boolean),
  });
}
