import { BlockList, isIP } from 'node:net';

/**
 * IPv4 addresses that are not one host of the public internet.
 * Source: https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/**
 * Of the IPv6 addresses only 2000::/3 is given out; these parts of it are special: protocols (with Teredo), documentation, and 6to4,
 * which holds an IPv4 address.
 * Source: https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const blocked = new BlockList();
for (const [net, prefix] of special4) blocked.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of special6) blocked.addSubnet(net, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an address is one of the public internet: none of this machine, its network, or its cloud's metadata. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !blocked.check(address, 'ipv4');
  // IPv4 in IPv6's clothes (::ffff:127.0.0.1) is outside 2000::/3, as are loopback, link-local and unique local addresses.
  return family === 6 && globalUnicast.check(address, 'ipv6') && !blocked.check(address, 'ipv6');
}
