/** A longer name is not compared: that would cost too much for each of thousands. */
const mostCharacters = 64;

/**
 * The known name that a person most likely meant: one that differs in its case only, else the one with the fewest edits, at most two and
 * at most a third of the name's length. Undefined where no name is near.
 */
export function nearName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > mostCharacters) return undefined;
  const plain = name.toLowerCase();
  let near: string | undefined;
  let fewest = Math.min(2, Math.max(1, Math.floor(name.length / 3)));
  for (const candidate of known) {
    if (candidate.toLowerCase() === plain) return candidate;
    if (Math.abs(candidate.length - name.length) > fewest) continue;
    const edits = distance(candidate, name, fewest);
    if (edits < fewest || (edits === fewest && near === undefined)) [near, fewest] = [candidate, edits];
  }
  return near;
}

const mostNamed = 8;

/** What to do about a name that is not known: the near one, or those there are, as far as a sentence holds them. */
export function suggestName(name: string, known: readonly string[]): string {
  const near = nearName(name, known);
  return near === undefined ? listNames(known) : `did you mean \`${near}\`?`;
}

/** The first of the names that there are. */
export function listNames(known: readonly string[]): string {
  const more = known.length > mostNamed ? ` and ${known.length - mostNamed} more` : '';
  return `known are ${known.slice(0, mostNamed).join(', ')}${more}`;
}

/**
 * The edits from one name to the other, two neighbours that changed places being one of them (optimal string alignment); `most + 1` where
 * it is more than `most`.
 */
function distance(a: string, b: string, most: number): number {
  let beforeLast = new Uint8Array(b.length + 1);
  let above = Uint8Array.from({ length: b.length + 1 }, (_, j) => j);
  let row = new Uint8Array(b.length + 1);
  for (let i = 1; i <= a.length; i += 1) {
    row[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j += 1) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1);
      let edits = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (beforeLast[j - 2] ?? 0) + 1);
      row[j] = edits;
      least = Math.min(least, edits);
    }
    if (least > most) return most + 1;
    [beforeLast, above, row] = [above, row, beforeLast];
  }
  return above[b.length] ?? 0;
}
