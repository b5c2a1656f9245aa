import { openFolder } from '../core/objects/folder.ts';
import type { ObjectStore } from '../core/objects/port.ts';
import { GaplineError } from '../core/wire/errors.ts';

/** Whether an address is one of object storage. */
export const isBucket = (place: string): boolean => /^s3:/i.test(place);

/**
 * The objects at `s3://BUCKET/PREFIX` or in a folder. Endpoint and keys of a storage are in the environment, under the names that the
 * tools of Amazon use.
 * @param option - which option of the command line says so
 * @throws {GaplineError} `config-invalid` naming what is missing or wrong
 */
export async function openObjects(option: string, place: string): Promise<ObjectStore> {
  if (!isBucket(place)) {
    if (/^[a-z][a-z0-9+]+:\/\//i.test(place))
      throw new GaplineError('config-invalid', `${option} ${place}: expected s3://BUCKET/PREFIX or a folder`);
    return openFolder(place);
  }
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(place) ?? [];
  if (bucket === undefined)
    throw new GaplineError(
      'config-invalid',
      `${option} ${place}: expected s3://BUCKET/PREFIX; a bucket has 3 to 63 small letters, digits, dots and hyphens`,
    );
  const { openS3 } = await import('../core/objects/s3.ts');
  const names = path.split('/').filter((name) => name !== '');
  return openS3({ ...s3Environment(), bucket, prefix: names.map((name) => `${name}/`).join('') });
}

function s3Environment() {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_ENDPOINT_URL_S3: own,
    AWS_ENDPOINT_URL: shared,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: defaultRegion,
  } = process.env;
  if (!accessKeyId || !secretAccessKey) {
    const name = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw new GaplineError('config-invalid', `${name} is not set; it holds the key of the object storage`);
  }
  const endpoint = own || shared;
  if (endpoint && !/^https?:\/\/[^/]/.test(endpoint))
    throw new GaplineError('config-invalid', `AWS_ENDPOINT_URL ${endpoint}: expected http://HOST:PORT or https://HOST`);
  return {
    region: region || defaultRegion || 'us-east-1',
    login: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) },
    ...(endpoint && { endpoint }),
  };
}
