// Sends predictions of one user at a rate until it is ended, and prints how many were refused. A process of its own for bench/gateway.ts.
import { Agent } from 'node:http';
import { type Pace, predictionsTo, timesOf } from './senders.ts';

export interface FloodJob {
  readonly url: string;
  readonly token: string;
  readonly pace: Omit<Pace, 'signal'>;
}

const { url, token, pace } = JSON.parse(process.argv[2] ?? '') as FloodJob;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const times = timesOf(predictionsTo({ agent, url, token }), { ...pace, signal: abort.signal });
console.log('begun');
console.log(`refused ${(await times).failed}`);
agent.destroy();
