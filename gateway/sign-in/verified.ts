/**
 * Access tokens whose signature was found valid, until they expire: a client sends the same one for minutes, and to verify it costs more
 * than the rest of a small request. Bounded: the oldest is forgotten.
 */
export class VerifiedTokens<Claims extends { readonly expiresMs: number }> {
  readonly #most: number;
  readonly #claims = new Map<string, Claims>();

  constructor(most = 10_000) {
    this.#most = most;
  }

  /** Undefined where the token must be verified. */
  get(token: string, nowMs: number): Claims | undefined {
    const claims = this.#claims.get(token);
    if (claims === undefined || claims.expiresMs > nowMs) return claims;
    this.#claims.delete(token);
    return undefined;
  }

  add(token: string, claims: Claims): void {
    this.#claims.set(token, claims);
    if (this.#claims.size <= this.#most) return;
    for (const oldest of this.#claims.keys()) return void this.#claims.delete(oldest);
  }
}
