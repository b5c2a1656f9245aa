import { createServer, type Server, type Socket } from 'node:net';

/**
 * Sockets that listen beside the first. Node takes one connection of each in a turn of its event loop; under load a turn takes a tenth of
 * a second, and a thousand devices that come back at once would wait for minutes before anybody looks at them.
 */
const further = 31;

interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Listens with the first server, and, where the system shares a port between sockets, with more that hand their connections to it.
 * Resolves with the further ones.
 */
export async function listen(first: Server, { host, port }: Place): Promise<readonly Server[]> {
  const shared = process.platform === 'linux';
  // A shared port does not say whether another process has it.
  if (shared && port !== 0) await close(await listening(createServer(), { host, port }, false));
  await listening(first, { host, port }, shared);
  if (!shared) return [];
  const address = first.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  const hand = (socket: Socket): void => void first.emit('connection', socket);
  const all = Array.from({ length: further }, () => listening(createServer(hand), { host, port: taken }, true));
  // One that the system does not give is not missed.
  return (await Promise.allSettled(all)).flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
}

function listening<T extends Server>(server: T, { host, port }: Place, reusePort: boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, reusePort }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}
