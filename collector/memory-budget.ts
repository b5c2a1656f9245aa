import type { Room } from './body.ts';

/** What a body is sure to need, of what it says that it will be: so much comes at once. */
const atOnceBytes = 64_000;

/**
 * Room for bodies of so many bytes. None begins once half of it is taken: what has begun can then mostly end. Were all of it
 * open to beginnings, a flood would fill it with halves of bodies, and none would ever be whole.
 * @param allows whether a further body may begin while those that have begun hold so much
 */
export function createRoom(maxBytes: number, allows: (used: number) => boolean): Room & { readonly used: number } {
  let used = 0;
  return {
    get used() {
      return used;
    },
    begin(declaredBytes) {
      if (used > maxBytes / 2 || !allows(used)) return undefined;
      const bytes = Math.min(declaredBytes, atOnceBytes);
      used += bytes;
      return bytes;
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
