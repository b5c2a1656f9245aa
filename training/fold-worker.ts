import { parentPort } from 'node:worker_threads';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import { type FoldAnswer, type FoldJob, scoreFold } from './score-fold.ts';

// A fit cannot be interrupted; a thread can be ended.
if (!parentPort) throw new Error('this file runs in a worker thread only');
const port = parentPort;
port.on('message', async (job: FoldJob) => {
  port.postMessage(await answerTo(job));
});

async function answerTo(job: FoldJob): Promise<FoldAnswer> {
  try {
    return { score: await scoreFold(job) };
  } catch (error) {
    const code = error instanceof GaplineError ? error.code : 'internal';
    return { failed: { code, detail: describeError(error) } };
  }
}
