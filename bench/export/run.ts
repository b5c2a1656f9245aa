// One run of bench/export.ts, in a process of its own: reads or exports an archive, and prints how long that took.
import { openFolder } from '../../core/objects/folder.ts';
import { maxTimeNs, minTimeNs } from '../../core/wire/time.ts';
import { exportReadings } from '../../exporting/export.ts';
import {
  beatFields,
  type ExportJob,
  type ExportRun,
  openArchive,
  sampleFields,
  stream,
  valueFields,
} from './archive.ts';

const { file, way, to } = JSON.parse(process.argv[2] ?? '') as ExportJob;
const fields = file.includes('dense') ? sampleFields : file.includes('beats') ? beatFields : valueFields;
const range = { from: minTimeNs.toString(), to: maxTimeNs.toString() };
const store = openArchive(file);
await store.start();

async function run(): Promise<number> {
  if (way !== 'read') {
    const form = way === 'csv' ? 'csv' : 'parquet';
    return (await exportReadings({ store, stream, fields, range, objects: openFolder(to), form })).rows;
  }
  let rows = 0;
  for await (const points of store.read({ measurement: stream, range }))
    for (const { fields: values } of points) rows += typeof values.count === 'number' ? values.count : 1;
  return rows;
}

if (way === 'again') await run();
const secondsOf = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6;
const [beganMs, beganAll, beganMain] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
const rows = await run();
const seconds = (performance.now() - beganMs) / 1_000;
const cpuSeconds = secondsOf(process.cpuUsage(beganAll));
const mainSeconds = secondsOf(process.threadCpuUsage(beganMain));
await store.stop();
const peakMb = Math.round(process.resourceUsage().maxRSS / 1_000);
console.log(JSON.stringify({ rows, seconds, mainSeconds, cpuSeconds, peakMb } satisfies ExportRun));
