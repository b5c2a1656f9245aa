import type { ObjectInfo } from './port.ts';

/** One page of a listing. */
export interface ListingPage {
  readonly objects: readonly ObjectInfo[];
  /** The parameters that continue it; undefined on the last page. */
  readonly next: Readonly<Record<string, string>> | undefined;
}

/** The text of an element that holds no other, with its entities resolved; undefined where there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : resolved(text);
}

const elementsOf = (xml: string, name: string): string[] =>
  Array.from(xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g')), ([, inner = '']) => inner);

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

const resolved = (text: string): string =>
  text.replaceAll(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return entities[name] ?? whole;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

/**
 * Reads a page of ListObjectsV2 or of ListObjectVersions; deletions are left out. Keys are as the server encoded them: with
 * `encoding-type=url` it percent-encodes them, so that any character can stand in XML, and says so.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function readListing(xml: string): ListingPage {
  const decode = textOf(xml, 'EncodingType') === 'url' ? decodeKey : (key: string) => key;
  const objects = [...elementsOf(xml, 'Contents'), ...elementsOf(xml, 'Version')].map((entry): ObjectInfo => {
    const version = textOf(entry, 'VersionId');
    return {
      key: decode(textOf(entry, 'Key') ?? ''),
      bytes: Number(textOf(entry, 'Size') ?? 0),
      modifiedMs: Date.parse(textOf(entry, 'LastModified') ?? ''),
      ...(version !== undefined && version !== 'null' && { version }),
    };
  });
  return { objects, next: textOf(xml, 'IsTruncated') === 'true' ? nextOf(xml, decode) : undefined };
}

function nextOf(xml: string, decode: (key: string) => string): Record<string, string> | undefined {
  const token = textOf(xml, 'NextContinuationToken');
  if (token !== undefined) return { 'continuation-token': token };
  const key = textOf(xml, 'NextKeyMarker');
  if (key === undefined) return undefined;
  return { 'key-marker': decode(key), 'version-id-marker': textOf(xml, 'NextVersionIdMarker') ?? '' };
}

const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll('+', ' '));
