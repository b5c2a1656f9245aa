import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The api keys of transactional requests: AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, TxnOffsetCommit (https://kafka.apache.org/protocol). */
export const transactionalKeys: readonly number[] = [24, 25, 26, 28];

/** Requests of these kinds wait. */
export interface Hold {
  readonly keys: readonly number[];
  /** `answer`: Kafka acts at once and the client learns of it late. `request`: Kafka acts late, also where the client has gone. */
  readonly what: 'answer' | 'request';
  readonly ms: number;
  /** Whether this one waits. */
  readonly chosen: () => boolean;
}

/**
 * Stands between Kafka's clients and the broker, whose advertised address it is. Passes whole requests and answers on, so that it can
 * hold those of a kind.
 */
export class KafkaProxy {
  readonly #server = createServer((client) => this.#open(client));
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #targetPort: number;
  /** New connections are broken off at once. */
  refusing = false;
  /** Every request and every answer takes longer by so much. */
  delayMs = 0;
  hold: Hold | undefined;
  /** Requests that were held so far. */
  held = 0;

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut(() => true);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  calm(): void {
    this.refusing = false;
    this.delayMs = 0;
    this.hold = undefined;
  }

  /** Breaks connections off. */
  cut(chosen: () => boolean): void {
    for (const [client, broker] of this.#pairs) {
      if (!chosen()) continue;
      client.destroy();
      broker.destroy();
    }
  }

  #open(client: Socket): void {
    client.on('error', () => {});
    if (this.refusing) return void client.destroy();
    const broker = connect(this.#targetPort, '127.0.0.1');
    const pair = [client, broker] as const;
    this.#pairs.add(pair);
    for (const socket of pair) socket.setNoDelay(true).on('error', () => {});
    broker.once('close', () => {
      this.#pairs.delete(pair);
      client.destroy();
    });
    /** When the answers of held requests may be passed on, by correlation id. */
    const answers = new Map<number, number>();
    // A client that leaves does not take back what it had sent.
    void this.#carry(client, broker, (frame) => this.#request(frame, answers)).finally(() => broker.end());
    void this.#carry(broker, client, (frame) => this.#answer(frame, answers)).finally(() => client.destroy());
  }

  /** How long a request waits. Its header: length, api key, api version, correlation id. */
  #request(frame: Buffer, answers: Map<number, number>): number {
    const { hold } = this;
    if (frame.length >= 12 && hold?.keys.includes(frame.readInt16BE(4)) && hold.chosen()) {
      this.held += 1;
      if (hold.what === 'request') return hold.ms;
      answers.set(frame.readInt32BE(8), hold.ms);
    }
    return this.delayMs;
  }

  /** How long an answer waits. Its header: length, correlation id. */
  #answer(frame: Buffer, answers: Map<number, number>): number {
    if (answers.size === 0) return this.delayMs;
    const id = frame.readInt32BE(4);
    const ms = answers.get(id);
    answers.delete(id);
    return ms ?? this.delayMs;
  }

  async #carry(from: Socket, to: Socket, waitMs: (frame: Buffer) => number): Promise<void> {
    try {
      for await (const frame of frames(from)) {
        const ms = waitMs(frame);
        if (ms > 0) await sleep(ms);
        if (to.destroyed) return;
        if (!to.write(frame)) await drained(to);
      }
    } catch {
      // A broken connection: the other side is closed, too.
    }
  }
}

/** Resolves once a socket takes more, or never will. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

/** Cuts a stream of bytes into Kafka's frames, each with its length in front. */
async function* frames(socket: Socket): AsyncGenerator<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
      const length = 4 + bytes.readInt32BE(0);
      yield bytes.subarray(0, length);
      bytes = bytes.subarray(length);
    }
  }
}
