// Loaded before a process's own code (--import): its clock is off by what a file says, in milliseconds. What measures durations continues
// as it does on a machine whose clock is set.
import { readFileSync } from 'node:fs';

const file = process.env.GAPLINE_CHAOS_CLOCK;
const RealDate = Date;
const now = Date.now;
let offsetMs = 0;

function look() {
  try {
    offsetMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    offsetMs = 0;
  }
}

globalThis.Date = class ShiftedDate extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [now() + offsetMs] : args));
  }
  static now() {
    return now() + offsetMs;
  }
};
if (file) {
  look();
  setInterval(look, 200).unref();
}
