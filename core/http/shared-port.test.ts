import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { listenOnSharedPort } from './shared-port.ts';

test('connections to any of its sockets come to the first server, and a port that is taken is refused', async () => {
  const seen: Socket[] = [];
  const server = createServer();
  server.on('connection', (socket) => void seen.push(socket));
  const further = await listenOnSharedPort(server, { host: '127.0.0.1', port: 0 });
  const { port } = server.address() as { port: number };
  const clients = await Promise.all(
    Array.from(
      { length: 50 },
      () =>
        new Promise<Socket>((resolve) => {
          const client = connect(port, '127.0.0.1', () => resolve(client));
        }),
    ),
  );
  while (seen.length < 50) await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(listenOnSharedPort(createServer(), { host: '127.0.0.1', port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  for (const socket of [...clients, ...seen]) socket.destroy();
  await Promise.all([server, ...further].map((each) => new Promise((resolve) => each.close(resolve))));
});
