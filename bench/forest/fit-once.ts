// The first fit of a process: what it costs before anything is warm. Prints the cost as JSON.
import { trainOurs } from './fits.ts';
import { readSet } from './sets.ts';

const [folder, name, trees, seed, threads] = process.argv.slice(2) as [string, string, string, string, string];
const set = readSet(folder, name);
const { seconds, cpuSeconds } = await trainOurs({
  set,
  trees: Number(trees),
  seed: Number(seed),
  threads: Number(threads),
});
console.log(JSON.stringify({ seconds, cpuSeconds }));
