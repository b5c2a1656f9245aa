import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Identified {
  readonly device: string;
  readonly time: string;
}

/** What a collector for tests does with a request: take it and answer, take it and break the connection, or refuse it. */
export type Mood = 'take' | 'take and break' | 503 | 400;

/** A collector for tests that keeps every reading it took, in order of arrival. */
export async function openCollector(mood: (request: number) => Mood = () => 'take') {
  const lines: string[] = [];
  let requests = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const today = mood(requests++);
      if (typeof today === 'number') return response.writeHead(today).end('{"detail":"not today"}');
      lines.push(...Buffer.concat(chunks).toString().split('\n'));
      return today === 'take' ? response.writeHead(202).end('{}') : request.socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines,
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const identityOf = (line: string): string => {
  const { device, time } = JSON.parse(line) as Identified;
  return `${device} ${time}`;
};

/** Each identity with its reading; throws where one came with two contents. */
export function byIdentity(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const identity = identityOf(line);
    const known = found.get(identity) ?? line;
    if (known !== line) throw new Error(`two readings of one identity: ${known} and ${line}`);
    found.set(identity, line);
  }
  return found;
}

/** The readings of each device in the order of arrival. */
export function byDevice(lines: readonly string[]): Record<string, string[]> {
  const grouped: Record<string, string[]> = {};
  for (const line of lines) {
    const { device } = JSON.parse(line) as Identified;
    grouped[device] ??= [];
    grouped[device].push(line);
  }
  return grouped;
}
