import { randomUUID } from 'node:crypto';
import { describe, it } from 'vitest';

/** The real InfluxDB of a test run. */
export interface InfluxdbAccess {
  readonly url: string;
  readonly org: string;
  /** May do everything. */
  readonly token: string;
}

/**
 * A suite that needs a real InfluxDB. Without one it says so and does not run; with `GAPLINE_REQUIRE_SERVERS=1` it fails.
 * A test file that uses it names `GAPLINE_TEST_INFLUXDB` in its text, so that the run starts one.
 */
export function describeWithInfluxdb(title: string, suite: (access: InfluxdbAccess) => void): void {
  const { GAPLINE_TEST_INFLUXDB: url, GAPLINE_TEST_INFLUXDB_ORG: org = '' } = process.env;
  const { GAPLINE_TEST_INFLUXDB_TOKEN: token = '', GAPLINE_REQUIRE_SERVERS: required } = process.env;
  if (url !== undefined) {
    describe(title, () => suite({ url, org, token }));
    return;
  }
  if (required === '1') {
    it(title, () => {
      throw new Error('GAPLINE_REQUIRE_SERVERS=1 demands a real InfluxDB, but GAPLINE_TEST_INFLUXDB is not set');
    });
    return;
  }
  describe.skipIf(true)(`${title} (not run: no InfluxDB here, GAPLINE_TEST_INFLUXDB is not set)`, () =>
    suite({ url: '', org, token }),
  );
}

/**
 * One call of InfluxDB's API.
 * @throws {Error} with the answer, where it is no success.
 */
export async function influxdbApi<T>(access: InfluxdbAccess, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(access.url + path, {
    method,
    headers: { authorization: `Token ${access.token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** A bucket of a test's own. */
export interface Bucket {
  readonly id: string;
  readonly orgID: string;
  readonly name: string;
  remove(): Promise<void>;
  /** A token that may do only this with the bucket. */
  grant(...actions: ('read' | 'write')[]): Promise<string>;
  /** Writes lines as they are. */
  write(lines: string): Promise<void>;
}

/** Makes a bucket, by default one with a name of its own that keeps everything. */
export async function makeBucket(
  access: InfluxdbAccess,
  { name = `test-${randomUUID()}`, everySeconds = 0 } = {},
): Promise<Bucket> {
  const orgs = `/api/v2/orgs?${new URLSearchParams({ org: access.org })}`;
  const found = await influxdbApi<{ orgs: { id: string }[] }>(access, 'GET', orgs);
  const orgID = found.orgs[0]!.id;
  const retentionRules = [{ type: 'expire', everySeconds }];
  const { id } = await influxdbApi<{ id: string }>(access, 'POST', '/api/v2/buckets', { orgID, name, retentionRules });
  return {
    id,
    orgID,
    name,
    remove: () => influxdbApi(access, 'DELETE', `/api/v2/buckets/${id}`),
    async grant(...actions) {
      const permissions = actions.map((action) => ({ action, resource: { type: 'buckets', id, orgID } }));
      const made = await influxdbApi<{ token: string }>(access, 'POST', '/api/v2/authorizations', {
        orgID,
        permissions,
      });
      return made.token;
    },
    async write(lines) {
      const search = new URLSearchParams({ org: access.org, bucket: name });
      const headers = { authorization: `Token ${access.token}` };
      const answer = await fetch(`${access.url}/api/v2/write?${search}`, { method: 'POST', headers, body: lines });
      if (!answer.ok) throw new Error(`writing to ${name}: ${answer.status} ${await answer.text()}`);
    },
  };
}
