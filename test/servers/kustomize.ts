import { join } from 'node:path';
import { obtained, run, type Supply } from './obtain.ts';

const version = '5.7.1';

/** kustomize, built by Go. */
export const kustomizeSupply: Supply = {
  title: `kustomize ${version}`,
  folder: `kustomize-${version}`,
  ways: [
    {
      title: 'by Go',
      make: (folder, logFile) =>
        run('go', ['install', `sigs.k8s.io/kustomize/kustomize/v5@v${version}`], {
          cwd: folder,
          logFile,
          env: { GOFLAGS: '-mod=mod', GOBIN: folder, CGO_ENABLED: '0' },
        }),
    },
  ],
};

/** The program in the folder of the supply. */
export const kustomizeIn = (folder: string): string => join(folder, 'kustomize');

/** The program, if it was got before. */
export const kustomizeProgram = (): string | undefined => {
  const folder = obtained(kustomizeSupply);
  return folder && kustomizeIn(folder);
};
