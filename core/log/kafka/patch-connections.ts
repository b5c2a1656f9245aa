import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/** What kafkajs's connection has inside. */
interface Connection {
  socket?: Socket;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<true>;
}

const lengthBytes = 4;
let patched = false;

/**
 * kafkajs 2.2.4 keeps the first part of an answer when a connection breaks off in the middle of it, and puts the answers of the next
 * connection behind it. They then count as the rest of the old answer: no request is answered until it times out, also after further
 * connections, or the process ends by an error in the decoder. Here each connection starts with nothing. kafkajs also opens two sockets
 * where two requests find it disconnected; here they wait for one.
 */
export function patchConnections(): void {
  if (patched) return;
  patched = true;
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/connection') as { prototype: Connection };
  const { connect } = prototype;
  const connecting = new WeakMap<Connection, Promise<true>>();
  prototype.connect = function (this: Connection) {
    const running = connecting.get(this);
    if (running && !this.socket?.destroyed) return running;
    if (this.isConnected()) return connect.call(this);
    // It was ended before; what still comes from it must not count for the next one.
    this.socket?.destroy();
    Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: lengthBytes });
    const started = connect.call(this).finally(() => {
      if (connecting.get(this) === started) connecting.delete(this);
    });
    connecting.set(this, started);
    return started;
  };
}
