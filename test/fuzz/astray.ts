import type { Input, Random } from './inputs.ts';

/** A request as bytes; one of thirty goes astray in its method, its path or its headers as well. */
export function requestBytes({ path, headers, body }: Input, random: Random): Buffer {
  const astray = random() < 1 / 30;
  const draw = astray ? random() : 1;
  const method = draw < 0.2 ? pick(random, methods) : 'POST';
  const target = draw >= 0.2 && draw < 0.5 ? pick(random, paths) : path;
  const extra = draw >= 0.5 && draw < 1 ? pick(random, oddHeaders) : '';
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `${method} ${target} HTTP/1.1\r\nhost: localhost\r\n${lines.join('')}${extra}content-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

// HEAD is left out: its answer tells the length of a body that does not come.
const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'BREW', 'post', ''];

const paths = [
  '/',
  '/health',
  '/ready',
  '/metrics',
  '/openapi.json',
  '/../../etc/passwd',
  '//readings',
  '/%2e%2e/%00',
  '/readings%',
  '/__proto__',
  '/constructor',
  'http://elsewhere/readings',
  '*',
  'readings',
  `/${'x'.repeat(10_000)}`,
  '/readings?precision[]=ms&precision[__proto__]=x',
];

const oddHeaders = [
  `x: ${'y'.repeat(20_000)}\r\n`,
  'x: y\r\n'.repeat(1_000),
  'x\r\n',
  ': x\r\n',
  'x: \u0000\r\n',
  'x : y\r\n',
  '__proto__: x\r\n',
  'expect: 100-continue\r\n',
  'expect: tea\r\n',
  'content-length: 3\r\n',
  'content-length: -1\r\n',
  'transfer-encoding: chunked\r\n',
  'transfer-encoding: gzip, chunked\r\n',
  'upgrade: h2c\r\nconnection: upgrade\r\n',
  'connection: close\r\n',
  'host: elsewhere\r\n',
  'authorization: Bearer x\r\n',
  'authorization: \u00ff\r\n',
  'cookie: a=b; __proto__=c\r\n',
  'content-type: application/json\r\n',
  'content-encoding: gzip\r\n',
  'origin: https://elsewhere\r\n',
];

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}
