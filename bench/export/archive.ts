import { pino } from 'pino';
import { mulberry32 } from '../../core/numeric/random/mulberry32.ts';
import type { SeriesStore } from '../../core/store/port.ts';
import { createSqliteStore } from '../../core/store/sqlite.ts';
import { readingToPoint } from '../../core/wire/point.ts';
import { samplesToPoints } from '../../core/wire/samples-point.ts';

/** What one process does with an archive. */
export interface ExportJob {
  readonly file: string;
  /** `again`: to Parquet, where that is all there already. */
  readonly way: 'read' | 'parquet' | 'csv' | 'again';
  readonly to: string;
}

export interface ExportRun {
  readonly rows: number;
  readonly seconds: number;
  /** Of processors: of the thread that reads, and of all. */
  readonly mainSeconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

export const stream = 'bench';
export const valueFields = Array.from({ length: 57 }, (_, index) => `value_${index}`);
/** A beat of an electrocardiogram is one reading: its samples from the R peak on. */
export const beatFields = Array.from({ length: 187 }, (_, index) => `s${index}`);
export const sampleFields = ['i', 'ii'];

const logger = pino({ level: 'silent' });
const firstMs = Date.parse('2026-01-01T00:00:00Z');

/** Opens an archive that nothing packs or deletes from meanwhile. */
export const openArchive = (file: string): SeriesStore =>
  createSqliteStore({ file, logger, packing: false, retentionDays: 3_650 });

async function filled(file: string, write: (store: SeriesStore) => Promise<void>): Promise<void> {
  const store = openArchive(file);
  await store.start();
  await write(store);
  await store.stop();
}

/** 20 devices, 8,333 readings a day in all. */
export const fillReadings = (file: string, count: number, names: readonly string[] = valueFields): Promise<void> =>
  filled(file, async (store) => {
    const random = mulberry32(1);
    const stepMs = 10_368;
    for (let first = 0; first < count; first += 2_000) {
      const points = Array.from({ length: Math.min(2_000, count - first) }, (_, index) => {
        const values = names.map((name) => [name, random() < 0.1 ? null : Math.round(random() * 1e5) / 100]);
        const time = `${firstMs + Math.floor((first + index) * stepMs)}${String(index).padStart(6, '0')}`;
        const reading = { stream, device: `device-${index % 20}`, time, received: time, truth: `class-${index % 2}` };
        return readingToPoint({ ...reading, values: Object.fromEntries(values) }, names.length);
      });
      await store.write(points);
    }
  });

/** Four devices, in records of ten seconds. */
export const fillSamples = (file: string, count: number): Promise<void> =>
  filled(file, async (store) => {
    const random = mulberry32(2);
    const wave = () => Array.from({ length: 2_500 }, () => Math.round(random() * 4_096) / 1_024);
    for (let record = 0; record < count / 2_500; record += 1) {
      const time = `${firstMs + Math.floor(record / 4) * 10_000}000000`;
      const samples = { stream, device: `device-${record % 4}`, time, rate: 250, received: time, truth: 'beat' };
      await store.write(samplesToPoints({ ...samples, values: { i: wave(), ii: wave() } }, sampleFields.length));
    }
  });
