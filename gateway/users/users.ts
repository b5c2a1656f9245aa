import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { inTransaction } from '../../core/files/transaction.ts';
import { HttpProblem } from '../../core/http/problem.ts';
import { sqliteCode } from '../../core/wire/sqlite-code.ts';
import type { Grant } from '../rights/allows.ts';
import { type Role, roles } from '../rights/table.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly disabled: boolean;
  readonly created: string;
  readonly grants: readonly Grant[];
}

const codeLastsMs = 24 * 3_600_000;
/** https://sqlite.org/rescode.html#constraint */
const constraint = 19;

/** Who may sign in, and with which roles. */
export class Users {
  readonly #database: DatabaseSync;
  readonly #nowMs: () => number;
  /** Kept, because each request runs them. */
  readonly #byId: StatementSync;
  readonly #grantsOf: StatementSync;

  constructor(database: DatabaseSync, nowMs: () => number = Date.now) {
    this.#database = database;
    this.#nowMs = nowMs;
    this.#byId = database.prepare('SELECT * FROM users WHERE id = ?');
    this.#grantsOf = database.prepare('SELECT role, stream FROM grants WHERE user = ? ORDER BY rowid');
  }

  get isEmpty(): boolean {
    return this.#database.prepare('SELECT 1 FROM users LIMIT 1').get() === undefined;
  }

  /**
   * @param password - its hash
   * @throws {HttpProblem} `name-taken`
   */
  add(name: string, password: string, grants: readonly Grant[]): User {
    const id = randomUUID();
    const created = new Date(this.#nowMs()).toISOString();
    try {
      inTransaction(this.#database, () => {
        this.#database
          .prepare('INSERT INTO users (id, name, password, created) VALUES (?, ?, ?, ?)')
          .run(id, name, password, created);
        this.#insertGrants(id, grants);
      });
    } catch (error) {
      if (sqliteCode(error) === constraint)
        throw new HttpProblem('name-taken', `${name} is the name of a user already`);
      throw error;
    }
    return { id, name, disabled: false, created, grants };
  }

  byId(id: string): User | undefined {
    return this.#userOf(this.#byId.get(id));
  }

  byName(name: string): User | undefined {
    return this.#userOf(this.#database.prepare('SELECT * FROM users WHERE name = ?').get(name));
  }

  /** The hash of a user's password; undefined where there is no such user. */
  passwordOf(name: string): string | undefined {
    const row = this.#database.prepare('SELECT password FROM users WHERE name = ?').get(name);
    return row && String(row.password);
  }

  list(): User[] {
    const rows = this.#database.prepare('SELECT * FROM users ORDER BY name').all();
    return rows.flatMap((row) => this.#userOf(row) ?? []);
  }

  /** In place of those that the user had. */
  setGrants(id: string, grants: readonly Grant[]): void {
    inTransaction(this.#database, () => {
      this.#database.prepare('DELETE FROM grants WHERE user = ?').run(id);
      this.#insertGrants(id, grants);
    });
  }

  setDisabled(id: string, disabled: boolean): void {
    this.#database.prepare('UPDATE users SET disabled = ? WHERE id = ?').run(Number(disabled), id);
  }

  /** A new password also makes a one-time code worthless. */
  setPassword(id: string, password: string): void {
    inTransaction(this.#database, () => {
      this.#database.prepare('UPDATE users SET password = ? WHERE id = ?').run(password, id);
      this.#database.prepare('DELETE FROM codes WHERE user = ?').run(id);
    });
  }

  /** A code with which the user may set a password, once and for a day. Only its hash is kept. */
  makeCode(id: string): string {
    const code = randomBytes(16).toString('base64url');
    this.#database
      .prepare('INSERT OR REPLACE INTO codes (user, hash, expires) VALUES (?, ?, ?)')
      .run(id, hashOf(code).toString('hex'), this.#nowMs() + codeLastsMs);
    return code;
  }

  /** Uses a code up; false where it is not the user's, used or expired. */
  useCode(id: string, code: string): boolean {
    const row = this.#database.prepare('SELECT hash, expires FROM codes WHERE user = ?').get(id);
    if (!row || Number(row.expires) <= this.#nowMs()) return false;
    if (!timingSafeEqual(Buffer.from(String(row.hash), 'hex'), hashOf(code))) return false;
    return (
      this.#database.prepare('DELETE FROM codes WHERE user = ? AND hash = ?').run(id, String(row.hash)).changes === 1
    );
  }

  #insertGrants(id: string, grants: readonly Grant[]): void {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO grants (user, role, stream) VALUES (?, ?, ?)');
    for (const { role, stream } of grants) insert.run(id, role, stream);
  }

  #userOf(row: Record<string, SQLOutputValue> | undefined): User | undefined {
    if (!row) return undefined;
    const id = String(row.id);
    const grants = this.#grantsOf.all(id);
    return {
      id,
      name: String(row.name),
      disabled: row.disabled === 1,
      created: String(row.created),
      grants: grants.flatMap(({ role, stream }) => (isRole(role) ? [{ role, stream: String(stream) }] : [])),
    };
  }
}

const hashOf = (code: string): Buffer => createHash('sha256').update(code).digest();
const isRole = (text: SQLOutputValue | undefined): text is Role => (roles as readonly unknown[]).includes(text);
