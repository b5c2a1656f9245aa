import { createServer, type Server, type Socket } from 'node:net';

/**
 * Sockets that listen beside the first. Node takes one connection of each in a turn of its event loop; under load a turn takes a tenth of
 * a second, and a thousand devices that reconnect at once would wait for minutes for their connections.
 */
const further = 31;

interface Address {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
}

/** Whether this system gives the connections of one port to the sockets of several processes in turn. */
export const systemSharesPorts = process.platform === 'linux';

/** Resolves when the server listens. */
export function listen(server: Server, address: Address): Promise<void> {
  return listening(server, address, false);
}

/**
 * Listens with the server, and, where the system shares a port between sockets, with more sockets that hand their connections to it.
 * Resolves with these further ones; whoever closes the server closes them too.
 * @param options.joins - other processes listen on the port already, and that is meant
 * @param options.halfOpen - whether the server answers a client that sends no more; one of TLS does not, and would keep such connections
 */
export async function listenOnSharedPort(
  server: Server,
  { host, port }: Address,
  { joins = false, halfOpen = false }: { joins?: boolean; halfOpen?: boolean } = {},
): Promise<readonly Server[]> {
  const shared = systemSharesPorts;
  // On a shared port the system does not report that another process uses it.
  if (shared && port !== 0 && !joins) await checkFree({ host, port });
  await listening(server, { host, port }, shared);
  if (!shared) return [];
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  const hand = (socket: Socket): void => void server.emit('connection', socket);
  const all = Array.from({ length: further }, async () => {
    const each = createServer({ allowHalfOpen: halfOpen, noDelay: true }, hand);
    await listening(each, { host, port: taken }, true);
    return each;
  });
  // The port also works if the system refuses some of them.
  return (await Promise.allSettled(all)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

/** Rejects with the system's error where the address cannot be listened on now. */
export async function checkFree(address: Address): Promise<void> {
  const probe = createServer();
  await listening(probe, address, false);
  await new Promise((resolve) => probe.close(resolve));
}

function listening(server: Server, { host, port }: Address, reusePort: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, reusePort }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
