import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { HttpProblem } from '../../core/http/problem.ts';
import { GaplineError } from '../../core/wire/errors.ts';

/** Parameters of scrypt (RFC 7914): the work is proportional to `n * r * p`, the memory is `128 * n * r` bytes. */
export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/**
 * Some 0.3 s of a core and 128 MB a hash on a machine of 2024.
 * Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */
export const defaultCost: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };

export interface PasswordsOptions {
  readonly cost?: ScryptCost;
  /** Hashes at once; each holds its memory and a thread. Default 2. */
  readonly concurrent?: number;
  /** Hashes that may wait; beyond that requests are refused. Default 16. */
  readonly waiting?: number;
}

const saltBytes = 16;
const keyBytes = 32;
const stored = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{22})\$([\w-]{43})$/;

/** Hashes passwords, few at once. */
export class Passwords {
  readonly #cost: ScryptCost;
  readonly #concurrent: number;
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** Hashes so far. */
  count = 0;

  constructor({ cost = defaultCost, concurrent = 2, waiting = 16 }: PasswordsOptions = {}) {
    this.#cost = cost;
    this.#concurrent = concurrent;
    this.#most = waiting;
  }

  /** Passwords that wait to be hashed. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws {HttpProblem} `hashing-busy` */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    const key = await this.#derive(password, salt, this.#cost);
    const { n, r, p } = this.#cost;
    return ['scrypt', n, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
  }

  /**
   * Whether a password belongs to a hash. Without a hash the same work is done for nothing: an unknown user costs what a known one does.
   * @throws {HttpProblem} `hashing-busy`
   */
  async verify(password: string, hash: string | undefined): Promise<boolean> {
    if (hash === undefined) {
      await this.#derive(password, randomBytes(saltBytes), this.#cost);
      return false;
    }
    const [, n = '', r = '', p = '', salt = '', key = ''] = stored.exec(hash) ?? [];
    if (key === '') throw new GaplineError('internal', 'a password of the database is not in the format of scrypt');
    const cost = { n: Number(n), r: Number(r), p: Number(p) };
    const derived = await this.#derive(password, Buffer.from(salt, 'base64url'), cost);
    return timingSafeEqual(derived, Buffer.from(key, 'base64url'));
  }

  async #derive(password: string, salt: Buffer, { n, r, p }: ScryptCost): Promise<Buffer> {
    await this.#begin();
    this.count += 1;
    try {
      return await new Promise((resolve, reject) => {
        // The same characters may be typed in several ways of Unicode.
        const options = { N: n, r, p, maxmem: 128 * n * r * p + (1 << 20) };
        scrypt(password.normalize('NFKC'), salt, keyBytes, options, (error, key) =>
          error ? reject(error) : resolve(key),
        );
      });
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #begin(): Promise<void> {
    if (this.#running >= this.#concurrent) {
      if (this.#waiting.length >= this.#most)
        throw new HttpProblem('hashing-busy', `${this.#most} passwords wait to be checked`, { retryAfterS: 2 });
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    this.#running += 1;
  }
}
