import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { mayImport } from '../rooms.ts';
import { root } from './streams.ts';

/** The rooms, of which `test/boundaries.test.ts` sees to it that none is wanting. */
const folders = new Set([...Object.keys(mayImport), 'cli'].map((room) => room.split('/')[0] ?? room));
const files = ['gapline', 'package.json'];

/** A copy of Gapline's own code in another folder; what it depends on is shared. */
export async function copyProject(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of [...folders, ...files]) await cp(join(root, name), join(to, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}
