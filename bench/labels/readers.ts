// readers.ts URL COUNT QUERY: opens streams of predictions, takes what comes as cheaply as it can, and tells what that was.
// A QUERY that ends in `-` gets the number of a device.
import { once } from 'node:events';
import { connect } from 'node:net';

export interface Seen {
  /** Of all streams. */
  bytes: number;
  /** Of the first stream. */
  events: number;
  /** Streams that were told to resume, or were closed. */
  cut: number;
}

const [url = '', count = '0', query = ''] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const seen: Seen = { bytes: 0, events: 0, cut: 0 };
// Nobody keeps what was read, so one buffer serves all.
const shared = Buffer.allocUnsafe(1 << 20);
const marker = Buffer.from('event: prediction\n');

/** What lies on the edge of two reads is found, too. */
function countEvents(chunk: Uint8Array, rest: Uint8Array): Uint8Array {
  const all = Buffer.concat([rest, chunk]);
  let from = 0;
  for (let at = all.indexOf(marker); at >= 0; at = all.indexOf(marker, from)) {
    seen.events += 1;
    from = at + marker.length;
  }
  return all.subarray(Math.max(from, all.length - marker.length + 1));
}

for (let index = 0; index < Number(count); index++) {
  let rest: Uint8Array = Buffer.alloc(0);
  const socket = connect({
    ...{ host: hostname, port: Number(port) },
    onread: {
      buffer: shared,
      callback(length, buffer) {
        seen.bytes += length;
        if (index === 0) rest = countEvents(buffer.subarray(0, length), rest);
        return true;
      },
    },
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    seen.cut += 1;
  });
  await once(socket, 'connect');
  const path = `/predictions/stream${query.endsWith('-') ? `${query}${index % 100}` : query}`;
  const before = seen.bytes;
  socket.write(`GET ${path} HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
  while (seen.bytes === before) await new Promise(setImmediate);
}
process.send?.('open');
await once(process, 'message');
process.send?.(seen, () => process.exit());
