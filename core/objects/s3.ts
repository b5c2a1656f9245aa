import { createHash } from 'node:crypto';
import { GaplineError } from '../wire/errors.ts';
import { mostObjectBytes, type ObjectInfo, type ObjectStore } from './port.ts';
import { createRequests, type S3Address, type S3Answer, type S3Timing } from './s3-request.ts';
import { readListing } from './s3-xml.ts';

export interface S3Options extends S3Address {
  /** What every key begins with: '' or a path that ends in `/`. */
  readonly prefix: string;
  readonly timing?: S3Timing;
}

/** Answers that hold no object. */
const mostAnswerBytes = 16 << 20;

/** Objects in a bucket, by the S3 API. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ */
export function openS3({ prefix, timing, ...address }: S3Options): ObjectStore {
  const request = createRequests(address, timing);

  async function* pages(query: Readonly<Record<string, string>>): AsyncGenerator<ObjectInfo> {
    const fixed = { ...query, 'encoding-type': 'url', 'max-keys': '1000' };
    for (let next: Readonly<Record<string, string>> | undefined = {}; next !== undefined; ) {
      const { body } = await request({ method: 'GET', query: { ...fixed, ...next }, mostBytes: mostAnswerBytes });
      const page = readListing(new TextDecoder().decode(body));
      for (const info of page.objects)
        if (info.key.startsWith(prefix)) yield { ...info, key: info.key.slice(prefix.length) };
      next = page.next;
    }
  }

  return {
    name: `s3://${address.bucket}/${prefix}`.replace(/\/$/, ''),
    async put(key, bytes) {
      const checksum = createHash('sha256').update(bytes);
      const headers = {
        'content-type': 'application/octet-stream',
        // What arrives is checked by the server, on a connection without TLS too.
        'x-amz-content-sha256': checksum.digest('hex'),
      };
      const answer = await request({
        ...{ method: 'PUT', key: prefix + key, headers, body: bytes },
        mostBytes: mostAnswerBytes,
      });
      return versionOf(answer);
    },
    async head(key) {
      const answer = await request({ method: 'HEAD', key: prefix + key, mostBytes: mostAnswerBytes });
      if (answer.status === 404) return undefined;
      return {
        key,
        bytes: Number(answer.headers.get('content-length')),
        modifiedMs: Date.parse(answer.headers.get('last-modified') ?? ''),
        ...versionOf(answer),
      };
    },
    async get(key, version) {
      const query: Record<string, string> = version === undefined ? {} : { versionId: version };
      const answer = await request({ method: 'GET', key: prefix + key, query, mostBytes: mostObjectBytes });
      return answer.status === 404 ? undefined : answer.body;
    },
    list: (begin) => pages({ 'list-type': '2', prefix: prefix + begin }),
    async versions(key) {
      const found: ObjectInfo[] = [];
      for await (const info of pages({ versions: '', prefix: prefix + key })) if (info.key === key) found.push(info);
      if (found.length > 0 && found.every(({ version }) => version === undefined))
        throw keepsNoVersions(address.bucket);
      // The server lists the newest first, which its clock, in seconds, could not tell.
      return found;
    },
    async delete(key) {
      await request({ method: 'DELETE', key: prefix + key, mostBytes: mostAnswerBytes });
    },
  };
}

function versionOf({ headers }: S3Answer): { version?: string } {
  const version = headers.get('x-amz-version-id');
  return version === null || version === '' || version === 'null' ? {} : { version };
}

const keepsNoVersions = (bucket: string) =>
  new GaplineError(
    'storage-refused',
    `the bucket ${bucket} keeps no versions; switch versioning on, and objects that are written from then on can be read as of a time`,
    { retryable: false },
  );
