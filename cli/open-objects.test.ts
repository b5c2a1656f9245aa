import { expect, it, vi } from 'vitest';
import { isBucket, openObjects } from './open-objects.ts';

const open = async (place: string, env: Record<string, string>) => {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION', 'AWS_DEFAULT_REGION'];
  for (const name of [...names, 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3']) vi.stubEnv(name, env[name] ?? '');
  try {
    return await openObjects('--to', place);
  } finally {
    vi.unstubAllEnvs();
  }
};
const keys = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

it.each([
  ['s3://B/x', keys, /--to s3:\/\/B\/x: .*a bucket has 3 to 63/],
  ['s3://bucket/x', {}, /AWS_ACCESS_KEY_ID is not set/],
  ['s3://bucket/x', { AWS_ACCESS_KEY_ID: 'a' }, /AWS_SECRET_ACCESS_KEY is not set/],
  ['s3://bucket/x', { ...keys, AWS_ENDPOINT_URL: '127.0.0.1:7070' }, /AWS_ENDPOINT_URL 127.0.0.1:7070: expected http/],
  ['gs://bucket/x', keys, /expected s3:\/\/BUCKET\/PREFIX or a folder/],
])('%s with %o is explained', async (place, env, message) => {
  await expect(open(place, env)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(message),
  });
});

it('takes s3:// for a bucket, and all else for a folder', async () => {
  expect(['s3://bucket', 'folder', 'C:\\folder'].map(isBucket)).toEqual([true, false, false]);
  expect((await open('s3://bucket//a/b/', keys)).name).toBe('s3://bucket/a/b');
  expect((await open('some/folder', {})).name).toBe('some/folder');
});
