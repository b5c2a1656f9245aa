import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { extname, join } from 'node:path';
import type { Response } from 'express';

/** One file of a page, as it is served. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly etag: string;
}

export const css = 'text/css; charset=utf-8';
export const script = 'text/javascript; charset=utf-8';
export const html = 'text/html; charset=utf-8';
const types: Record<string, string> = { '.css': css, '.svg': 'image/svg+xml', '.ts': script, '.js': script };

/**
 * Reads the style sheets, pictures and modules of a page, by their path `/page/NAME`. Modules are TypeScript; their types are blanked out
 * here, so a clone needs no build and a browser's debugger still shows the lines of the source. In the package they are JavaScript already.
 */
export async function readPageFiles(folder: string): Promise<Map<string, Asset>> {
  const assets = new Map<string, Asset>();
  for (const name of await readdir(folder)) {
    const type = types[extname(name)];
    if (type === undefined || name.endsWith('.test.ts') || name.endsWith('.d.ts')) continue;
    const source = await readFile(join(folder, name), 'utf8');
    assets.set(`/page/${name}`, asset(type, extname(name) === '.ts' ? stripTypeScriptTypes(source) : source));
  }
  return assets;
}

export function sendAsset(response: Response, { type, etag, body }: Asset): void {
  response.set({ 'content-type': type, 'cache-control': 'no-cache', etag }).send(body);
}

export function asset(type: string, text: string): Asset {
  const body = Buffer.from(text);
  return { type, body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
