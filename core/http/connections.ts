import type { Socket } from 'node:net';

export interface ConnectionBounds {
  /** Connections at once. Default: any number. */
  readonly most?: number | undefined;
  /** Of one address. Default: as many as there may be at all. */
  readonly mostPerAddress?: number | undefined;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  requests: number;
}

/**
 * The open connections of a server. Where one too many comes, the one that has been without a request for the longest time is closed in its
 * place: connections that are only held open keep nobody out. Where every connection has a request, the new one is closed.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  /** By both ends' addresses, because over TLS a request has another socket than its connection. In order of their last request. */
  readonly #all = new Map<string, Connection>();
  readonly #byAddress = new Map<string, Set<string>>();

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#all.size;
  }

  add(socket: Socket): void {
    const key = keyOf(socket);
    const address = socket.remoteAddress ?? '';
    const { most = Number.POSITIVE_INFINITY, mostPerAddress = Number.POSITIVE_INFINITY } = this.#bounds;
    const siblings = this.#byAddress.get(address);
    const tooMany = (siblings?.size ?? 0) >= mostPerAddress;
    if ((tooMany || this.#all.size >= most) && !this.#closeIdle(tooMany && siblings ? siblings : this.#all.keys())) {
      socket.destroy();
      return;
    }
    this.#all.set(key, { socket, address, requests: 0 });
    // A set that became empty was taken out, so it is looked up again.
    const own = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, own.add(key));
    socket.once('close', () => this.#forget(key, socket));
  }

  /** A request began on the connection. */
  busy(key: string): void {
    const connection = this.#all.get(key);
    if (connection) connection.requests += 1;
  }

  /** A request on the connection is over: of those that wait for one it is the newest now. */
  idle(key: string): void {
    const connection = this.#all.get(key);
    if (!connection) return;
    connection.requests -= 1;
    this.#all.delete(key);
    this.#all.set(key, connection);
    if (this.#bounds.mostPerAddress === undefined) return;
    const siblings = this.#byAddress.get(connection.address);
    siblings?.delete(key);
    siblings?.add(key);
  }

  /** Closes the connection that waited for a request the longest; false where there is none. */
  #closeIdle(keys: Iterable<string>): boolean {
    for (const key of keys) {
      const connection = this.#all.get(key);
      if (!connection || connection.requests > 0) continue;
      this.#forget(key, connection.socket);
      connection.socket.destroy();
      return true;
    }
    return false;
  }

  #forget(key: string, socket: Socket): void {
    const connection = this.#all.get(key);
    // The system may have given the same ends to a newer connection.
    if (connection?.socket !== socket) return;
    this.#all.delete(key);
    const siblings = this.#byAddress.get(connection.address);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#byAddress.delete(connection.address);
  }
}

/** Names a connection by its ends; a socket that is gone has none. */
export const keyOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
