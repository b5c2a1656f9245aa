// Every engine of the log, one line each.
export { kafka } from './kafka/kind.ts';
export { sqlite } from './sqlite/kind.ts';
