import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '../core/wire/errors.ts';
import { type EncoderOptions, ObjectEncoder } from './encode.ts';
import type { FromEncoder, ObjectMessage, ToEncoder } from './encoder-messages.ts';
import { transferable } from './row-buffer.ts';

// While the archive is read in the main thread, what was read is encoded here, one message after the other.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const port = parentPort;
const encoder = new ObjectEncoder(workerData as EncoderOptions);
let failure: string | undefined;
let last = Promise.resolve();
port.on('message', (message: ToEncoder) => {
  last = last.then(() => take(message));
});

async function take(message: ToEncoder): Promise<void> {
  try {
    await encoder.ready;
    if ('rows' in message) encoder.addRows(message.rows);
    else if ('batch' in message) encoder.addSamples(message.batch);
    else void answer(message);
  } catch (error) {
    failure ??= describeError(error);
  }
  if ('batch' in message) send({ free: message.batch.bytes }, message.batch.bytes);
}

/** While an object is encoded, rows of the next one come. */
async function answer({ id, job }: ObjectMessage): Promise<void> {
  try {
    if (failure !== undefined) return send({ id, failed: failure });
    const encoded = await encoder.encode(job);
    const { formed } = encoded;
    send({ id, encoded }, formed && 'bytes' in formed ? formed.bytes : undefined);
  } catch (error) {
    failure ??= describeError(error);
    send({ id, failed: failure });
  }
}

function send(message: FromEncoder, bytes?: Uint8Array): void {
  port.postMessage(message, bytes ? transferable(bytes) : []);
}
