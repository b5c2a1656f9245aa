import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import type { Registry } from '../../core/model/registry/port.ts';
import { gapline, type Process } from './gapline.ts';

const password = 'a password of the admin';

/** A gateway in a process of its own, and its first administrator, signed in. */
export class GatewayClient {
  readonly #process: Process;
  readonly #url: string;
  #token: string;

  private constructor(process: Process, url: string, token: string) {
    this.#process = process;
    this.#url = url;
    this.#token = token;
  }

  static async start(config: string, data: string): Promise<GatewayClient> {
    const process = gapline(['gateway', '--config', config, '--data', data, '--port', '0', '--log-level', 'error'], {
      env: { GAPLINE_ADMIN_PASSWORD: password },
    });
    const url = await process.printed(/gateway: (http\S+)/);
    return new GatewayClient(process, url, await signIn(url));
  }

  /** Signs in again where the token has expired, as it does within 15 minutes. */
  async request(path: string, body?: object) {
    const answer = await this.#send(path, body);
    if (answer.status !== 401) return answer;
    this.#token = await signIn(this.#url);
    return await this.#send(path, body);
  }

  async #send(path: string, body?: object) {
    const response = await fetch(this.#url + path, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${this.#token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: bodies of every form
    return { status: response.status, body: (await response.json()) as any };
  }

  async becomes(id: string, state: string) {
    const task = async () => (await this.request(`/tasks/${id}`)).body;
    await expect.poll(async () => (await task()).state, { timeout: 120_000, interval: 200 }).toBe(state);
    return await task();
  }

  /** Ends the process by a signal. @returns its exit code */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    this.#process.kill(signal);
    return (await this.#process.ended).code;
  }
}

/** @returns an access token */
async function signIn(url: string): Promise<string> {
  const body = new URLSearchParams({ username: 'admin', password });
  const response = await fetch(`${url}/auth/jwt/login`, { method: 'POST', body });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

/** Processes that train for this data. */
export function trainings(data: string): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines
    .filter((line) => line.includes('train-task') && line.includes(data))
    .map((line) => Number.parseInt(line, 10));
}

/** The task that made each version. */
export async function madeBy(models: Registry): Promise<string[]> {
  const made: string[] = [];
  for (const version of await models.versions())
    made.push(String((await models.manifest(version)).lineage.options.task));
  return made;
}
