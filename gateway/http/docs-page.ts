import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Asset, asset, html, readPageFiles } from '../../core/http/page-files.ts';

const folder = join(import.meta.dirname, '../page');

/** The page that shows every operation and sends requests, with its files, by path. Nothing of it comes from another host. */
export async function readDocsPage(): Promise<Map<string, Asset>> {
  const page = await readPageFiles(folder);
  page.set('/docs', asset(html, await readFile(join(folder, 'docs.html'), 'utf8')));
  return page;
}
