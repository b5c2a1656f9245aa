import { timingSafeEqual } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { describeError, GaplineError } from '../wire/errors.ts';
import { hashToken, readTokens, type Scope, type StoredToken } from './tokens.ts';

export interface AccessOptions {
  /** Made by `gapline tokens`. If it is missing at the start, and there is no token below, everyone may do everything. */
  readonly file?: string;
  /** A token of the environment, with the scope admin. */
  readonly token?: string;
  /** A token that this process made for itself, with the scope write. It does not make others need a token. */
  readonly ownToken?: string;
  readonly logger: Logger;
  /** How often the file is polled. Default 1 s. */
  readonly checkEveryMs?: number;
}

/** Whose token it is. */
export interface Holder {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The token's hash in hexadecimal: another token of the same name is another holder. */
  readonly hash: string;
}

interface Known extends Holder {
  readonly digest: Buffer;
}

const longestToken = 1_000;
/** A token that fits into an Authorization header. */
const sendable = /^[\x21-\x7e]{1,1000}$/;

/**
 * Who may do what. Tokens are compared as hashes, all of them each time and in constant time. The file is polled: a new token works and a
 * revoked one stops working within seconds. Once there were tokens, access never opens again: if the file vanishes, nobody has access.
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
   * @throws {GaplineError} `config-invalid` where the file is no file of tokens, or the environment's token does not fit into a header
   */
  start(): void {
    const { file, token, checkEveryMs = 1_000 } = this.#options;
    if (token && !sendable.test(token)) {
      throw new GaplineError(
        'config-invalid',
        'the token of the environment: letters, digits and signs, no spaces, at most 1,000',
      );
    }
    this.#load();
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

  /** Whose token this is; undefined where it is unknown. */
  holderOf(token: string): Holder | undefined {
    if (token.length === 0 || token.length > longestToken) return undefined;
    const digest = hashToken(token);
    let found: Holder | undefined;
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known;
    return found;
  }

  /** Whether a holder's token is still valid, with the same scopes: for sessions, which outlive a request. */
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
    const { file, token, ownToken } = this.#options;
    const seen = file === undefined ? 'none' : fingerprint(file);
    if (seen === this.#seen) return;
    const stored = file === undefined ? undefined : readTokens(file);
    this.#seen = seen;
    const fixed = [
      ...(token ? [unstored('environment', 'admin', token)] : []),
      ...(ownToken ? [unstored('itself', 'write', ownToken)] : []),
    ];
    this.#known = [...fixed, ...(stored ?? [])].map(toKnown);
    if (stored !== undefined || token) this.#open = false;
  }
}

/** A token that is in no file. Of it too, only the hash is kept. */
function unstored(name: string, scope: Scope, token: string): StoredToken {
  return { name, scopes: [scope], hash: hashToken(token).toString('hex'), created: '' };
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
