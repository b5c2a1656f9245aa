import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { OnnxRuntime } from '../../core/model/kinds/onnx.ts';
import { obtain, obtained, type Report, run, type Supply } from './obtain.ts';

const version = '1.30.0';

/** onnxruntime-node is 288 MB and no dependency of Gapline: it is kept beside the servers. */
export const onnxSupply: Supply = {
  title: 'onnxruntime-node',
  folder: `onnxruntime-node-${version}`,
  ways: [
    {
      title: 'npm',
      // Its install script only gets libraries for graphics cards.
      make: (folder, logFile) =>
        run(
          'npm',
          ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', `onnxruntime-node@${version}`],
          {
            logFile,
          },
        ),
    },
  ],
};

const load = (folder: string) => async (): Promise<OnnxRuntime> =>
  createRequire(join(folder, 'package.json'))('onnxruntime-node');

/** The runtime that is in the cache already, ready to be loaded. */
export function onnxRuntime(): (() => Promise<OnnxRuntime>) | undefined {
  const folder = obtained(onnxSupply);
  return folder === undefined ? undefined : load(folder);
}

/** The runtime, got first where there is none. */
export async function obtainOnnxRuntime(report: Report): Promise<() => Promise<OnnxRuntime>> {
  return load(await obtain(onnxSupply, report));
}
