import { describeError, GaplineError } from '../../wire/errors.ts';
import { shorten } from '../../wire/problem.ts';
import { excerptOf, readBody } from '../../wire/response-body.ts';

/** Where MLflow is, and who asks. */
export interface MlflowAddress {
  /** Such as `http://127.0.0.1:5000`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** In place of user and password. */
  readonly token?: string;
}

/** MLflow refused a request for a reason of its own: its `error_code`, such as RESOURCE_DOES_NOT_EXIST. */
export class MlflowRefusal extends GaplineError {
  readonly errorCode: string;

  constructor(errorCode: string, detail: string) {
    super('registry-refused', detail, { retryable: false });
    this.errorCode = errorCode;
  }
}

/** A request that is about names and numbers; a busy server may take long. */
const requestMs = 15_000;
/** A file of a model. */
const transferMs = 600_000;
const mostJsonBytes = 64 * 1024 * 1024;

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
  readonly withinMs?: number;
  readonly mostBytes?: number;
  /** Default: a redirection is an error. */
  readonly redirect?: 'manual';
}

/** MLflow's REST API. Source: https://mlflow.org/docs/latest/api_reference/rest-api.html */
export class MlflowRest {
  readonly url: string;
  readonly #authorization: string | undefined;

  constructor({ url, username, password, token }: MlflowAddress) {
    this.url = url.replace(/\/+$/, '');
    const basic = () => `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`;
    this.#authorization = token ? `Bearer ${token}` : username ? basic() : undefined;
  }

  async get(path: string, query: Readonly<Record<string, string>>): Promise<unknown> {
    return await this.#json(`mlflow/${path}`, { method: 'GET', query });
  }

  async send(method: 'POST' | 'DELETE', path: string, json: unknown): Promise<unknown> {
    return await this.#json(`mlflow/${path}`, { method, json });
  }

  /** Stores a file through MLflow's proxy of artifacts. */
  async upload(path: string, bytes: Uint8Array): Promise<void> {
    await this.#call(artifactPath(path), { method: 'PUT', bytes, withinMs: transferMs });
  }

  /** Reads a file through MLflow's proxy of artifacts. */
  async download(path: string, mostBytes: number): Promise<Uint8Array> {
    return await this.#call(artifactPath(path), { method: 'GET', withinMs: transferMs, mostBytes });
  }

  /**
   * Reads a file as MLflow's page does, which is many times faster than the proxy, and works for artifacts that only the server
   * reaches. Undefined where the server does not give it: it may not know the path, or not reach the file, or have none.
   * @param endpoint - `get-artifact`, with `run_id` and `path`, or `model-versions/get-artifact`, with `name`, `version` and `path`
   */
  async attachment(
    endpoint: string,
    query: Readonly<Record<string, string>>,
    mostBytes: number,
  ): Promise<Uint8Array | undefined> {
    const url = withQuery(`${this.url}/${endpoint}`, query);
    // A gateway may send whoever asks for a page to its login, and let the API through.
    const call = { method: 'GET', withinMs: transferMs, mostBytes, redirect: 'manual' } as const;
    const { status, headers, body } = await this.#fetch(url, call);
    // Without that header it is the page of something else.
    if (status === 200 && headers.get('content-disposition')?.startsWith('attachment')) return body;
    if (![408, 429, 502, 503, 504].includes(status)) return undefined;
    throw this.#refusal(url, 'GET', status, body);
  }

  /** What is in a folder of artifacts. */
  async list(path: string): Promise<unknown> {
    return await this.#json('mlflow-artifacts/artifacts', { method: 'GET', query: { path } });
  }

  async #json(path: string, call: Call): Promise<unknown> {
    const bytes = await this.#call(path, call);
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new GaplineError('registry-refused', `${this.url}/api/2.0/${path} gives no JSON: is that MLflow?`, {
        cause,
        retryable: false,
      });
    }
  }

  async #call(path: string, call: Call): Promise<Uint8Array> {
    const url = withQuery(`${this.url}/api/2.0/${path}`, call.query ?? {});
    const { status, body } = await this.#fetch(url, call);
    if (status >= 200 && status < 300) return body;
    throw this.#refusal(url, call.method, status, body);
  }

  async #fetch(url: URL, call: Call): Promise<{ status: number; headers: Headers; body: Uint8Array }> {
    const { method, json, bytes, withinMs = requestMs, mostBytes = mostJsonBytes, redirect = 'error' } = call;
    try {
      const response = await fetch(url, {
        method,
        redirect,
        signal: AbortSignal.timeout(withinMs),
        headers: {
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(this.#authorization && { authorization: this.#authorization }),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...(bytes && { body: Uint8Array.from(bytes) }),
      });
      return { status: response.status, headers: response.headers, body: await readBody(response, mostBytes) };
    } catch (error) {
      const late = error instanceof Error && error.name === 'TimeoutError';
      const why = late ? `does not respond within ${withinMs / 1_000} s` : `cannot be reached: ${describeError(error)}`;
      throw new GaplineError('registry-unavailable', `MLflow at ${this.url} ${why}`, { cause: error, retryable: true });
    }
  }

  #refusal(url: URL, method: string, status: number, body: Uint8Array): GaplineError {
    const { error_code: code, message } = complaint(new TextDecoder().decode(body.subarray(0, 10_000)));
    const detail = `MLflow at ${this.url} responds to ${method} ${url.pathname} with ${status}: ${message}`;
    if (status === 401)
      return new MlflowRefusal('PERMISSION_DENIED', `${detail}; ${adviceOnLogin(this.#authorization)}`);
    if (status === 403) return new MlflowRefusal('PERMISSION_DENIED', detail);
    if (status >= 500 || status === 429 || status === 408)
      return new GaplineError('registry-unavailable', detail, { retryable: true });
    return new MlflowRefusal(code, detail);
  }
}

/** What to do about a login that is refused. */
function adviceOnLogin(authorization: string | undefined): string {
  if (authorization === undefined)
    return 'set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN';
  return authorization.startsWith('Bearer ')
    ? 'check MLFLOW_TRACKING_TOKEN'
    : 'check MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD';
}

function withQuery(address: string, query: Readonly<Record<string, string>>): URL {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

const artifactPath = (path: string): string =>
  `mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`;

/** What the body of an error says, on one line. */
function complaint(text: string): { error_code: string; message: string } {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === 'object' && json !== null && 'error_code' in json && 'message' in json)
      return { error_code: String(json.error_code), message: shorten(String(json.message), 300) };
  } catch {
    // A proxy's page, perhaps.
  }
  return { error_code: '', message: excerptOf(text) };
}
