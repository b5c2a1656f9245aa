import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openS3, type S3Options } from '../../core/objects/s3.ts';
import { createRequests } from '../../core/objects/s3-request.ts';
import { versitygw } from './go-programs.ts';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

const login = { accessKeyId: 'gapline', secretAccessKey: 'gapline-secret' };

/** A real S3 server over a temporary folder, which keeps versions where a bucket asks for them. */
export interface ObjectServer extends ServerHandle {
  /** What the command needs in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a bucket. */
  makeBucket(name: string, options?: { readonly versions?: boolean }): Promise<void>;
  /** Where a bucket is. */
  address(bucket: string, prefix?: string): S3Options;
}

/** Whether it is in the cache, or is to be got. */
export const versitygwIsHere = (): boolean =>
  process.env.GAPLINE_REQUIRE_SERVERS === '1' || versitygw.program() !== undefined;

export async function startVersitygw(): Promise<ObjectServer> {
  const command = await versitygw.obtain();
  const data = await dataFolder('versitygw');
  const [objects, versions, sidecar] = ['objects', 'versions', 'sidecar'].map((name) => join(data.path, name));
  if (!objects || !versions || !sidecar) throw new Error('no folders');
  for (const folder of [objects, versions, sidecar]) await mkdir(folder);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startServer({
    ...{ name: 'versitygw', url: endpoint, command, data },
    // Beside the objects, for file systems without extended attributes.
    args: [
      '--port',
      `127.0.0.1:${port}`,
      '--quiet',
      'posix',
      '--sidecar',
      sidecar,
      '--versioning-dir',
      versions,
      objects,
    ],
    env: { ROOT_ACCESS_KEY: login.accessKeyId, ROOT_SECRET_KEY: login.secretAccessKey },
    ready: async () =>
      await fetch(endpoint).then(
        () => true,
        () => false,
      ),
  });
  const address = (bucket: string, prefix = ''): S3Options => ({
    endpoint,
    region: 'us-east-1',
    bucket,
    login,
    prefix,
  });
  return Object.assign(server, {
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: login.accessKeyId,
      AWS_SECRET_ACCESS_KEY: login.secretAccessKey,
      AWS_REGION: 'us-east-1',
    },
    address,
    async makeBucket(name: string, { versions: kept = false } = {}) {
      const request = createRequests(address(name));
      const call = { method: 'PUT', mostBytes: 1_000_000 } as const;
      await request(call);
      if (!kept) return;
      const body = Buffer.from('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
      await request({ ...call, query: { versioning: '' }, body });
    },
  });
}

/** The objects of a bucket. */
export const openBucket = (server: ObjectServer, bucket: string) => openS3(server.address(bucket));
