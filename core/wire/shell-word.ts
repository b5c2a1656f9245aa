import { printable } from './printable.ts';

/** A word of a suggested command as a POSIX shell takes it. What no terminal shows as it is stands between `$'` and `'`, as bash and zsh read it. */
export function shellWord(word: string): string {
  if (/^[\w./:=@%+,-]+$/.test(word)) return word;
  if (printable(word) === word) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${printable(word.replaceAll('\\', '\\\\').replaceAll("'", "\\'"))}'`;
}
