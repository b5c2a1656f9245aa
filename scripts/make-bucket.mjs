// Makes a bucket that keeps the versions of its objects, where it is not there yet: `node make-bucket.mjs NAME`, run in the image of
// Gapline, with the address and the keys in the environment as `gapline export` takes them.
import { createRequire } from 'node:module';

const { AwsClient } = await import(createRequire('/app/').resolve('aws4fetch'));
const {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
} = process.env;
const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 5 });
const bucket = `${endpoint}/${process.argv[2]}`;

async function put(url, body) {
  const response = await client.fetch(url, { method: 'PUT', body });
  if (response.ok || response.status === 409) return;
  console.error(`PUT ${url}: ${response.status} ${await response.text()}`);
  process.exit(1);
}

await put(bucket);
await put(`${bucket}?versioning=`, '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
console.log(`${bucket} is there and keeps versions`);
