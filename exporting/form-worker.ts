import { parentPort } from 'node:worker_threads';
import { describeError } from '../core/wire/errors.ts';
import { type FromFormer, formOf, type ToFormer } from './form.ts';
import { transferable } from './row-buffer.ts';

// While the rows of the next object are gathered in the thread that encodes, the bytes of the last one are made here.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const port = parentPort;
let last = Promise.resolve();
port.on('message', (message: ToFormer) => {
  last = last.then(() => take(message));
});

async function take({ rows, form }: ToFormer): Promise<void> {
  try {
    const bytes = await formOf(rows, form);
    send({ bytes }, transferable(bytes));
  } catch (error) {
    send({ failed: describeError(error) });
  }
}

function send(message: FromFormer, transferred: ArrayBuffer[] = []): void {
  port.postMessage(message, transferred);
}
