// The ceiling: node:http that reads the body and answers. Prints its port.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = `{"accepted":${Buffer.concat(chunks).length === 0 ? 0 : 1}}`;
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening: ${(server.address() as AddressInfo).port}`));
