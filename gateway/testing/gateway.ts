import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { onTestFinished } from 'vitest';
import { Access } from '../../core/access/access.ts';
import { createGateway, type GatewayOptions } from '../gateway.ts';
import { gatewaySchema } from '../options.ts';

/** So little work that tests are fast; one test checks the default. */
export const cheap = { n: 16, r: 1, p: 1 };
export const adminPassword = 'correct horse battery';

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gapline-gateway-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What the gateway responded. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at bodies of every form
  readonly body: any;
}

export interface RequestOptions {
  readonly token?: string | undefined;
  readonly method?: string;
  /** Sent as JSON, a form where it is `URLSearchParams`. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const silent = pino({ level: 'silent' });
const unlimited = Object.fromEntries(
  ['sign-in', 'read', 'predict', 'sample', 'start', 'change'].map((name) => [name, 1_000_000]),
);

/** A gateway on a free port, that ends with the test. */
export class TestGateway {
  readonly folder: string;
  readonly lines: string[] = [];
  #admin: string | undefined;
  readonly #gateway: ReturnType<typeof createGateway>;

  constructor(options: Partial<Omit<GatewayOptions, 'config'>> & { config?: object } = {}) {
    this.folder = options.dataFolder ?? temporaryFolder();
    this.#gateway = createGateway({
      dataFolder: this.folder,
      streams: [],
      trainingCommand: () => ({ program: process.execPath, args: ['--eval', 'process.exit(3)'] }),
      host: '127.0.0.1',
      port: 0,
      logger: silent,
      access: new Access({ logger: silent }),
      firstAdmin: { password: adminPassword },
      passwords: { cost: cheap },
      print: (line) => void this.lines.push(line),
      ...options,
      config: gatewaySchema.parse({ limits: unlimited, ...options.config }),
    });
  }

  async start(): Promise<this> {
    onTestFinished(() => this.stop());
    await this.#gateway.start();
    return this;
  }

  stop(): Promise<void> {
    return this.#gateway.stop();
  }

  get url(): string {
    return this.#gateway.url;
  }

  async request(path: string, { token, method, body, headers = {} }: RequestOptions = {}): Promise<Answer> {
    const isForm = body instanceof URLSearchParams;
    const response = await fetch(this.url + path, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  signIn(username: string, password: string): Promise<Answer> {
    return this.request('/auth/jwt/login', { body: new URLSearchParams({ username, password }) });
  }

  /** The access token of the first administrator. */
  async admin(): Promise<string> {
    this.#admin ??= (await this.signIn('admin', adminPassword)).body.access_token as string;
    return this.#admin;
  }

  /** Makes a user as an administrator does, and returns the user's access token. */
  async user(username: string, roles: readonly { role: string; stream: string }[]): Promise<string> {
    const { body } = await this.request('/users', { token: await this.admin(), body: { username, roles } });
    const password = `the password of ${username}`;
    await this.request('/auth/reset', { body: { username, code: body.code, password } });
    return (await this.signIn(username, password)).body.access_token;
  }
}
