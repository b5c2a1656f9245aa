import type { Form } from '../../core/partitions/names.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { TimeRange } from '../../training/archive.ts';
import type { LoadedConfig } from '../config/load.ts';
import { createLogger } from '../logger.ts';
import { openStore } from '../open.ts';
import { openObjects } from '../open-objects.ts';
import { print } from '../print.ts';
import { Progress } from '../progress.ts';

/** Of the command line. */
export interface ObjectsOptions {
  readonly to: string;
  readonly store?: string;
  readonly data: string;
  readonly logLevel: string;
}

/** Writes the readings of the archive as objects by day and device. */
export async function exportObjects(
  { stream, range, loaded }: { stream: Stream; range: TimeRange; loaded: LoadedConfig },
  { to, store: url, data: dataFolder, logLevel }: ObjectsOptions,
  form: Form,
): Promise<void> {
  const objects = await openObjects('--to', to);
  const { exportReadings } = await import('../../exporting/export.ts');
  const { retentionDays } = loaded.config.store;
  const store = await openStore({ url, dataFolder, logger: await createLogger(logLevel), retentionDays });
  await store.start();
  const progress = new Progress();
  try {
    const result = await exportReadings({
      ...{ store, stream: stream.name, fields: stream.fields, range, objects, form },
      factKinds: Object.keys(stream.facts ?? {}),
      // How many there will be is not known before they are read.
      onProgress: ({ rows, objects: count }) => progress.show('exporting', 0, `${rows} readings, ${count} objects`),
    });
    progress.end();
    const { rows, objects: count, written, resumed, keptLonger, at } = result;
    print(`${rows} readings in ${count} objects in ${to}, as of ${at}\n`);
    print(`${written} objects written, ${resumed} taken over from a run that broke off\n`);
    if (keptLonger > 0)
      print(`${keptLonger} days of devices hold more than the archive, which has deleted by its age; they stay\n`);
  } finally {
    progress.end();
    await store.stop();
  }
}
