/** What came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** Who is signed in. The tokens stand in memory only, where no other page and no later visitor finds them. */
export class Session {
  user: string | undefined;
  #tokens: TokenPair | undefined;

  /** Undefined where that worked, else why it did not. */
  async signIn(username: string, password: string): Promise<string | undefined> {
    const response = await post('/auth/jwt/login', { username, password });
    const body = await response.json();
    if (!response.ok) return `${body.title}: ${body.detail}`;
    this.#tokens = body as TokenPair;
    this.user = username;
    return undefined;
  }

  async signOut(): Promise<void> {
    await this.send('POST', '/auth/jwt/logout');
    this.#tokens = undefined;
    this.user = undefined;
  }

  /** Sends a request; an access token that is expired is refreshed first. */
  async send(method: string, path: string, body?: string): Promise<Answer> {
    const first = await this.#fetch(method, path, body);
    const response = first.status === 401 && (await this.#refresh()) ? await this.#fetch(method, path, body) : first;
    const text = await response.text();
    return { status: response.status, text: pretty(text) };
  }

  #fetch(method: string, path: string, body?: string): Promise<Response> {
    return fetch(path, {
      method,
      headers: {
        ...(this.#tokens && { authorization: `Bearer ${this.#tokens.access_token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
  }

  async #refresh(): Promise<boolean> {
    if (!this.#tokens) return false;
    const response = await post('/auth/jwt/refresh', { refresh_token: this.#tokens.refresh_token });
    if (!response.ok) return false;
    this.#tokens = (await response.json()) as TokenPair;
    return true;
  }
}

function post(path: string, body: Record<string, string>): Promise<Response> {
  return fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
