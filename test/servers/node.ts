import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { obtained, run, type Supply } from './obtain.ts';

/** The oldest Node that `engines` of package.json allows. */
export const oldestNode = '22.18.0';

export const oldestNodeSupply: Supply = {
  title: `Node ${oldestNode}`,
  folder: `node-${oldestNode}`,
  ways: [
    {
      title: 'by npm',
      async make(folder, logFile) {
        // Its install script gets the program from the registry too.
        await writeFile(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }');
        const args = ['install', '--no-audit', '--no-fund', '--save-exact', `node@${oldestNode}`];
        await run('npm', args, { cwd: folder, logFile });
      },
    },
  ],
};

/** The folder of the program in the folder of the supply. */
export const nodeFolderIn = (folder: string): string => join(folder, 'node_modules/node/bin');

/** The folder of the program, if it was got before. */
export const oldestNodeFolder = (): string | undefined => {
  const folder = obtained(oldestNodeSupply);
  return folder && nodeFolderIn(folder);
};
