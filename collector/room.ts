import type { Room } from './body.ts';

/**
 * Room for bodies of so many bytes. None begins once half of it is taken: what has begun can then mostly end. Were all of it
 * open to beginnings, a flood would fill it with halves of bodies, and none would ever be whole.
 * @param also what else has to hold for a body to begin
 */
export function createRoom(maxBytes: number, also: () => boolean): Room & { readonly used: number } {
  let used = 0;
  return {
    get used() {
      return used;
    },
    get open() {
      return used <= maxBytes / 2 && also();
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
