import { join } from 'node:path';
import { obtained, run, type Supply } from './obtain.ts';

/** promtool, out of Debian's package of Prometheus, which is unpacked and not installed. */
export const promtoolSupply: Supply = {
  title: 'promtool',
  folder: 'promtool-debian',
  ways: [
    {
      title: "Debian's package",
      async make(folder, logFile) {
        const script = 'apt-get download prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb';
        await run('sh', ['-c', script], { cwd: folder, logFile });
      },
    },
  ],
};

/** The program in the folder of the supply. */
export const promtoolIn = (folder: string): string => join(folder, 'usr/bin/promtool');

/** The program, if it was got before. */
export const promtoolProgram = (): string | undefined => {
  const folder = obtained(promtoolSupply);
  return folder && promtoolIn(folder);
};
