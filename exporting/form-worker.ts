import { parentPort } from 'node:worker_threads';
import { describeError } from '../core/wire/errors.ts';
import { type FromFormer, formMany, type ToFormer } from './form.ts';
import { transferable } from './row-buffer.ts';

// While the rows of the next object are gathered in the thread that encodes, the bytes of the last one are made here.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const port = parentPort;
let last = Promise.resolve();
port.on('message', (message: ToFormer) => {
  last = last.then(() => take(message));
});

async function take(message: ToFormer): Promise<void> {
  try {
    const formed = await formMany(message);
    send(formed, 'bytes' in formed ? transferable(formed.bytes) : []);
  } catch (error) {
    send({ failed: describeError(error) });
  }
}

function send(message: FromFormer, transferred: ArrayBuffer[] = []): void {
  port.postMessage(message, transferred);
}
