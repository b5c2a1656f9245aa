import { connect, type Socket } from 'node:net';

/** What came back: a status, or why there is none. */
export interface Answer {
  readonly status: number | string;
  readonly text: string;
}

/**
 * One connection that is kept, and one request at a time: raw bytes out, an answer back. A client of its own, because Node's costs ten
 * times as much as the collector, and makes requests only that are right.
 */
export class Wire {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #received = Buffer.alloc(0);
  #settle: ((answer: Answer) => void) | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
  }

  ask(bytes: Buffer): Promise<Answer> {
    this.#socket ??= this.#open();
    const socket = this.#socket;
    return new Promise((resolve) => {
      this.#settle = resolve;
      socket.write(bytes);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#read(socket);
    });
    let reason = 'closed without an answer';
    socket.on('error', (error) => {
      reason = error.message;
    });
    socket.on('close', () => {
      // Of one that was left for another, nobody waits for an answer.
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#done({ status: reason, text: '' });
    });
    return socket;
  }

  #read(socket: Socket): void {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#received.toString('latin1', 0, end);
      const status = Number(head.slice(9, 12));
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      const whole = end + 4 + length;
      if (this.#received.length < whole) return;
      const text = this.#received.toString('utf8', end + 4, whole);
      this.#received = this.#received.subarray(whole);
      // `100 Continue` is no answer yet.
      if (status < 200) continue;
      if (/^connection: close/im.test(head)) {
        this.#socket = undefined;
        socket.destroy();
      }
      this.#done({ status, text });
      return;
    }
  }

  #done(answer: Answer): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(answer);
  }
}
