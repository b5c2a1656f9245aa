// Runs a seeded series of steps on a spool and prints which chunks must be durable after how many syncs.
// node spool-workload.ts FILE CRASH_FOLDER SEED STEPS
import pino from 'pino';
import { Spool } from '../spool/spool.ts';
import { randomFrom, syncsSoFar } from './recording.ts';

/** What must hold after so many syncs have begun. `appended`, `removed` and `sending` are numbers of chunks. */
export interface Promised {
  readonly syncs: number;
  readonly appended: number;
  readonly removed: number;
  readonly sending: number;
}

const [file, crashFolder, seed, steps] = process.argv.slice(2) as [string, string, string, string];
const random = randomFrom(Number(seed));
const promises: Promised[] = [];
let [appended, removed, sending] = [0, 0, 0];
let spool = open();
for (let step = 0; step < Number(steps); step += 1) {
  const choice = random();
  if (choice < 0.6) append();
  else if (choice < 0.9) send();
  else restart();
  promises.push({ syncs: syncsSoFar(crashFolder), appended, removed, sending });
}
spool.stop();
process.stdout.write(JSON.stringify(promises));

function open(): Spool {
  const opened = new Spool({ file, maxBytes: 1e9, logger: pino({ level: 'silent' }), lost: () => {}, nowMs: () => 0 });
  opened.start();
  return opened;
}

function append(): void {
  appended += 1;
  const size = Math.floor(random() ** 4 * 60_000);
  spool.append([{ key: 'd', value: Buffer.from(`${appended}:`.padEnd(size + 8, String(appended))) }]);
}

/** Sends the next chunks, as the intake does; now and then the log does not take them. */
function send(): void {
  const batch = spool.next(Math.floor(random() * 100_000));
  if (batch === undefined) return;
  spool.sending(batch);
  sending = removed + batch.chunks;
  if (random() < 0.2) return;
  spool.remove(batch);
  removed += batch.chunks;
}

function restart(): void {
  spool.stop();
  spool = open();
}
