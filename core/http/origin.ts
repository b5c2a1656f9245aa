import type { IncomingHttpHeaders } from 'node:http';

/** Whether an address to listen on can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Why a request may come from a page of another site, which a browser sends with everything that this machine allows; undefined where it
 * does not look so. Devices send no `Origin`. A name that an attacker's DNS turns to this machine shows in `Host`: while a
 * loopback door is open, only names of this machine are answered.
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
  if (loopbackOnly && host !== undefined && !isLoopback(nameOf(host))) return 'its Host is no name of this machine';
  return undefined;
}

/** The name in a Host header, without the port and without the brackets of IPv6. */
function nameOf(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}
