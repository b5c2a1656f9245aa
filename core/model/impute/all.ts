// Every imputer, one line each.
export { gaussian } from './gaussian-kind.ts';
export { last } from './last-kind.ts';
export { linear } from './linear-kind.ts';
export { constant, mean, median, mostFrequent } from './simple-kinds.ts';
