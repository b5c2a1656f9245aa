import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Access, Holder } from './access.ts';
import { hashToken } from './tokens.ts';

export interface SessionsOptions {
  readonly access: Access;
  /** Whether the page is served over TLS: browsers then send the cookie over TLS only. */
  readonly secure: boolean;
  /** How long a session lasts. Default 12 h. */
  readonly lastsMs?: number;
  /** At most so many; beyond that the oldest end. Default 1,000. */
  readonly most?: number;
  readonly nowMs?: () => number;
}

interface Session {
  readonly holder: Holder;
  readonly endsMs: number;
}

const cookieName = 'gapline_session';

/**
 * Sessions of browsers. An `EventSource` sends no Authorization header, so a page exchanges its token once for a cookie that no
 * script can read and no other site can send. Sessions are kept in memory, by the hash of their id, and end with their token.
 */
export class Sessions {
  readonly #options: Required<SessionsOptions>;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = { lastsMs: 12 * 3_600_000, most: 1_000, nowMs: Date.now, ...options };
  }

  /** The `Set-Cookie` header for a token; undefined where the token is unknown. */
  begin(token: string): string | undefined {
    const { access, lastsMs, most, nowMs } = this.#options;
    const holder = access.holderOf(token);
    if (holder === undefined) return undefined;
    const id = randomBytes(32).toString('base64url');
    this.#sessions.set(keyOf(id), { holder, endsMs: nowMs() + lastsMs });
    for (const key of this.#sessions.keys()) {
      if (this.#sessions.size <= most) break;
      this.#sessions.delete(key);
    }
    return this.#cookie(id, Math.floor(lastsMs / 1_000));
  }

  /** Whose session a request belongs to; undefined where it has none, or its token is revoked. */
  holderOf(headers: IncomingHttpHeaders): Holder | undefined {
    const id = sessionId(headers);
    const session = id === undefined ? undefined : this.#sessions.get(keyOf(id));
    if (id === undefined || session === undefined) return undefined;
    if (session.endsMs > this.#options.nowMs() && this.#options.access.stillKnows(session.holder))
      return session.holder;
    this.#sessions.delete(keyOf(id));
    return undefined;
  }

  /** Ends the session of a request. Returns the `Set-Cookie` header that makes the browser forget it. */
  end(headers: IncomingHttpHeaders): string {
    const id = sessionId(headers);
    if (id !== undefined) this.#sessions.delete(keyOf(id));
    return this.#cookie('', 0);
  }

  #cookie(value: string, maxAgeS: number): string {
    const secure = this.#options.secure ? '; Secure' : '';
    return `${cookieName}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeS}${secure}`;
  }
}

function sessionId({ cookie = '' }: IncomingHttpHeaders): string | undefined {
  return new RegExp(`(?:^|; *)${cookieName}=([\\w-]{1,100})(?:;|$)`).exec(cookie)?.[1];
}

function keyOf(id: string): string {
  return hashToken(id).toString('hex');
}
