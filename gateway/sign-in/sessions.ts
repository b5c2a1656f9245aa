import { randomUUID } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import { HttpProblem } from '../../core/http/problem.ts';
import { VerifiedTokens } from './verified.ts';

export interface SessionsOptions {
  readonly database: DatabaseSync;
  readonly secret: Uint8Array;
  /** How long an access token is valid. Default 15 minutes. */
  readonly accessS?: number;
  /** How long a session lasts without being refreshed. Default 30 days. */
  readonly refreshS?: number;
  readonly nowMs?: () => number;
}

/** What a client gets when it signs in, in the names of RFC 6749. */
export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'bearer';
  /** Seconds. */
  readonly expires_in: number;
}

/** Whose access token it is. */
export interface Holder {
  readonly user: string;
  readonly session: string;
}

const algorithm = 'HS256';
const issuer = 'gapline';
/** An access token is no refresh token, and the other way round. */
const audiences = { access: 'gapline-access', refresh: 'gapline-refresh' } as const;
type Use = keyof typeof audiences;

interface Claims extends Holder {
  /** Of a refresh token. */
  readonly turn: number;
  readonly expiresMs: number;
}

/**
 * Sessions: each has one valid refresh token at a time, the one of its present turn. An older one that comes again was stolen, or the
 * newer one was: the session ends. The row of a session is looked at with every request, so what ends it takes effect at once.
 */
export class Sessions {
  readonly #options: Required<SessionsOptions>;
  /** Kept, because each request runs it. */
  readonly #find: StatementSync;
  readonly #verified = new VerifiedTokens<Claims>();

  constructor(options: SessionsOptions) {
    this.#options = { accessS: 15 * 60, refreshS: 30 * 86_400, nowMs: Date.now, ...options };
    this.#find = options.database.prepare('SELECT ended FROM sessions WHERE id = ? AND user = ?');
  }

  async begin(user: string): Promise<TokenPair> {
    const { database, nowMs } = this.#options;
    const id = randomUUID();
    database.prepare('DELETE FROM sessions WHERE expires < ?').run(nowMs());
    database
      .prepare('INSERT INTO sessions (id, user, turn, expires) VALUES (?, ?, 1, ?)')
      .run(id, user, this.#expiresMs());
    return await this.#pair({ user, session: id }, 1);
  }

  /**
   * A new pair for a refresh token, which is used up by that.
   * @throws {HttpProblem} `session-ended`
   */
  async refresh(token: string): Promise<{ readonly user: string; readonly pair: TokenPair }> {
    const { database } = this.#options;
    const { user, session, turn } = await this.#verify(token, 'refresh');
    const { changes } = database
      .prepare('UPDATE sessions SET turn = turn + 1, expires = ? WHERE id = ? AND turn = ? AND ended IS NULL')
      .run(this.#expiresMs(), session, turn);
    if (changes !== 1) {
      this.end(session, 'an old refresh token was used');
      throw new HttpProblem('session-ended', 'the refresh token was used before: its session has ended, sign in again');
    }
    return { user, pair: await this.#pair({ user, session }, turn + 1) };
  }

  /** @throws {HttpProblem} `session-ended` where the token is expired, forged or revoked */
  async holderOf(token: string): Promise<Holder> {
    let claims = this.#verified.get(token, this.#options.nowMs());
    if (claims === undefined) {
      claims = await this.#verify(token, 'access');
      this.#verified.add(token, claims);
    }
    const { user, session } = claims;
    const row = this.#find.get(session, user);
    if (!row || row.ended !== null) throw new HttpProblem('session-ended', 'the session has ended; sign in again');
    return { user, session };
  }

  /** Its tokens are worthless from now on. */
  end(session: string, reason: string): void {
    this.#options.database.prepare('UPDATE sessions SET ended = ? WHERE id = ? AND ended IS NULL').run(reason, session);
  }

  endAll(user: string, reason: string): void {
    this.#options.database.prepare('UPDATE sessions SET ended = ? WHERE user = ? AND ended IS NULL').run(reason, user);
  }

  #expiresMs(): number {
    return this.#options.nowMs() + this.#options.refreshS * 1_000;
  }

  async #pair(holder: Holder, turn: number): Promise<TokenPair> {
    const { accessS, refreshS } = this.#options;
    const [access, refresh] = await Promise.all([
      this.#sign(holder, 'access', accessS, {}),
      this.#sign(holder, 'refresh', refreshS, { turn }),
    ]);
    return { access_token: access, refresh_token: refresh, token_type: 'bearer', expires_in: accessS };
  }

  #sign({ user, session }: Holder, use: Use, lastsS: number, claims: Record<string, number>): Promise<string> {
    const now = Math.floor(this.#options.nowMs() / 1_000);
    return new SignJWT({ ...claims, session })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(audiences[use])
      .setSubject(user)
      .setIssuedAt(now)
      .setExpirationTime(now + lastsS)
      .sign(this.#options.secret);
  }

  async #verify(token: string, use: Use): Promise<Claims> {
    try {
      const { payload } = await jwtVerify(token, this.#options.secret, {
        // Never what the token's own header says.
        algorithms: [algorithm],
        issuer,
        audience: audiences[use],
        requiredClaims: ['sub', 'exp', 'session'],
        currentDate: new Date(this.#options.nowMs()),
      });
      const { sub, session, turn = 0, exp } = payload;
      return { user: String(sub), session: String(session), turn: Number(turn), expiresMs: Number(exp) * 1_000 };
    } catch (error) {
      if (error instanceof joseErrors.JWTExpired) throw new HttpProblem('session-ended', `the ${use} token is expired`);
      if (error instanceof joseErrors.JOSEError)
        throw new HttpProblem('session-ended', `the ${use} token is not one of this gateway`);
      throw error;
    }
  }
}
