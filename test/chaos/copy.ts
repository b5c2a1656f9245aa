import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './streams.ts';

/** What a stage is made of. */
const folders = [
  'core',
  'collector',
  'classifier',
  'generator',
  'training',
  'serving',
  'dashboard',
  'telegraf',
  'influxdb',
  'cli',
];
const files = ['gapline', 'package.json'];

/** A copy of Gapline's own code in another folder; what it depends on is shared. */
export async function copyProject(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of [...folders, ...files]) await cp(join(root, name), join(to, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(to, 'node_modules'));
}
