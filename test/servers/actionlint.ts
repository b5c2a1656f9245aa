import { join } from 'node:path';
import { obtained, run, type Supply } from './obtain.ts';

const version = '1.7.12';

/** actionlint, built by Go: it reads the workflows of `.github/` as GitHub does. */
export const actionlintSupply: Supply = {
  title: `actionlint ${version}`,
  folder: `actionlint-${version}`,
  ways: [
    {
      title: 'by Go',
      make: (folder, logFile) =>
        run('go', ['install', `github.com/rhysd/actionlint/cmd/actionlint@v${version}`], {
          cwd: folder,
          logFile,
          env: { GOFLAGS: '-mod=mod', GOBIN: folder, CGO_ENABLED: '0' },
        }),
    },
  ],
};

/** The program in the folder of the supply. */
export const actionlintIn = (folder: string): string => join(folder, 'actionlint');

/** The program, if it was got before. */
export const actionlintProgram = (): string | undefined => {
  const folder = obtained(actionlintSupply);
  return folder && actionlintIn(folder);
};
