import type { IncomingHttpHeaders } from 'node:http';

/** Whether only this machine can reach a server that listens on this address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Checks the origin and host of a request: a page of another site can make the user's browser send requests to this machine. Devices send
 * no `Origin`. An attacker can also make DNS resolve a name of theirs to this machine; such a name is then in `Host`.
 * @param options.loopbackOnly accept only names of this machine in `Host`
 * @returns why the request is refused; undefined where it is not
 */
export function explainForeignRequest(
  headers: IncomingHttpHeaders,
  { loopbackOnly }: { loopbackOnly: boolean },
): string | undefined {
  const { origin, host } = headers;
  if (headers['sec-fetch-site'] === 'cross-site') return 'a page of another site sent it';
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return 'a page of another origin sent it';
  }
  if (loopbackOnly && host !== undefined && !isLoopbackHost(host)) return 'its Host header is no name of this machine';
  return undefined;
}

/** The last Host header that was a name of this machine: clients send the same one again and again. */
let lastLoopbackHost: string | undefined;

function isLoopbackHost(host: string): boolean {
  if (host === lastLoopbackHost) return true;
  if (!isLoopback(nameOf(host))) return false;
  lastLoopbackHost = host;
  return true;
}

/** The name in a Host header, without the port and without the brackets of IPv6. */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
