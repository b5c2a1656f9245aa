import { parentPort } from 'node:worker_threads';
import { describeError } from '../core/wire/errors.ts';
import { type EncodeAnswer, type EncodeJob, encode } from './encode.ts';

// While the archive is read in the main thread, what was read is encoded here.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const port = parentPort;
port.on('message', async (job: EncodeJob) => {
  const answer = await answerTo(job);
  const bytes = 'encoded' in answer ? answer.encoded.bytes : undefined;
  const isWhole = bytes !== undefined && bytes.byteLength === bytes.buffer.byteLength;
  port.postMessage(answer, isWhole ? [bytes.buffer as ArrayBuffer] : []);
});

async function answerTo(job: EncodeJob): Promise<EncodeAnswer> {
  try {
    return { id: job.id, encoded: await encode(job) };
  } catch (error) {
    return { id: job.id, failed: { detail: describeError(error) } };
  }
}
