import { timingSafeEqual } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { describeError } from '../wire/errors.ts';
import { hashToken, readTokens, type Scope, type StoredToken } from './tokens.ts';

export interface AccessOptions {
  /** Made by `gapline tokens`. Where it is missing at the start, and no token is given below, everyone may do everything. */
  readonly file?: string;
  /** A token of the environment, allowed everything. */
  readonly token?: string;
  readonly logger: Logger;
  /** How often the file is looked at. Default 1 s. */
  readonly checkEveryMs?: number;
}

/** Whose token it is. */
export interface Holder {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The token's hash in hexadecimal: another token of the same name is another holder. */
  readonly hash: string;
}

/** `open`: nobody is asked for a token. `unauthorized`: no token or an unknown one. `forbidden`: a token without the scope. */
export type Verdict =
  | { readonly kind: 'open' | 'unauthorized' | 'forbidden' }
  | { readonly kind: 'allowed'; readonly holder: Holder };

interface Known extends Holder {
  readonly digest: Buffer;
}

const longestToken = 1_000;

/**
 * Who may do what. Tokens are compared as hashes, all of them each time and in constant time. The file is watched: a new token works and
 * a revoked one stops working within seconds. Once there were tokens, a file that vanishes locks everyone out; it never opens.
 */
export class Access {
  readonly #options: AccessOptions;
  #known: readonly Known[] = [];
  #open = true;
  #seen = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /**
   * Reads the tokens and watches their file from now on.
   * @throws {GaplineError} `config-invalid` where the file is no file of tokens
   */
  start(): void {
    this.#load();
    const { file, checkEveryMs = 1_000 } = this.#options;
    if (file === undefined) return;
    this.#timer = setInterval(() => this.#reload(), checkEveryMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** True where no tokens were ever made: then everyone may do everything. */
  get open(): boolean {
    return this.#open;
  }

  /** Judges a token that was presented, or none. */
  judge(token: string | undefined, scope: Scope): Verdict {
    if (this.#open) return { kind: 'open' };
    const holder = token === undefined ? undefined : this.holderOf(token);
    if (holder === undefined) return { kind: 'unauthorized' };
    return allows(holder, scope) ? { kind: 'allowed', holder } : { kind: 'forbidden' };
  }

  /** Whose token this is; undefined where it is nobody's. */
  holderOf(token: string): Holder | undefined {
    if (token.length === 0 || token.length > longestToken) return undefined;
    const digest = hashToken(token);
    let found: Holder | undefined;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known;
    return found;
  }

  /** Whether a holder's token still stands, with the same scopes: for sessions that outlive a request. */
  stillKnows({ hash, scopes }: Holder): boolean {
    return this.#known.some((known) => known.hash === hash && known.scopes.join() === scopes.join());
  }

  #reload(): void {
    try {
      this.#load();
    } catch (error) {
      this.#options.logger.error(`the tokens stay as they were: ${describeError(error)}`);
    }
  }

  #load(): void {
    const { file, token } = this.#options;
    const seen = file === undefined ? 'none' : fingerprint(file);
    if (seen === this.#seen) return;
    const stored = file === undefined ? undefined : readTokens(file);
    this.#seen = seen;
    const hash = token ? hashToken(token).toString('hex') : undefined;
    const fixed: StoredToken[] =
      hash === undefined ? [] : [{ name: 'environment', scopes: ['admin'], hash, created: '' }];
    this.#known = [...fixed, ...(stored ?? [])].map(toKnown);
    if (stored !== undefined || fixed.length > 0) this.#open = false;
  }
}

function toKnown({ name, scopes, hash }: StoredToken): Known {
  return { name, scopes, hash, digest: Buffer.from(hash, 'hex') };
}

export function allows({ scopes }: Holder, scope: Scope): boolean {
  return scopes.includes(scope) || scopes.includes('admin');
}

/** The token of a request: `Authorization: Token …`, as InfluxDB's clients send it, or `Bearer …`. */
export function presentedToken(headers: IncomingHttpHeaders): string | undefined {
  const match = /^(?:token|bearer) +(\S+)\s*$/i.exec(headers.authorization ?? '');
  return match?.[1];
}

/** What changes when a file is replaced or written. */
function fingerprint(file: string): string {
  const stats: Stats | undefined = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? 'missing' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
}
