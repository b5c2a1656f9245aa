import type { Budget } from './body.ts';

/** A budget of so many bytes. */
export function createBudget(maxBytes: number): Budget & { readonly used: number } {
  let used = 0;
  return {
    get used() {
      return used;
    },
    take(bytes) {
      if (used + bytes > maxBytes) return false;
      used += bytes;
      return true;
    },
    give(bytes) {
      used -= bytes;
    },
  };
}
