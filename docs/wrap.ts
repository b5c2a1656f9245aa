/** The most characters of a line of prose in our Markdown. */
export const widest = 120;

/** A list item's mark, with the indent before it. */
const item = /^(\s*)([-*]|\d+\.) +/;
/** Words that would begin a list, a heading or a quotation at the start of a line. */
const mark = /^([-*+>]|#+|\d+[.)])$/;

/**
 * Breaks the lines of paragraphs and list items that are too long; all else stays as it is: code, tables, headings, comments, and
 * what has no space to break at.
 */
export function wrapMarkdown(text: string): string {
  const out: string[] = [];
  let block: string[] = [];
  const flush = () => {
    out.push(...(block.some((line) => line.length > widest) ? refill(block) : block));
    block = [];
  };
  let fenced = false;
  for (const line of text.split('\n')) {
    const fence = /^\s*```/.test(line);
    if (fence) fenced = !fenced;
    if (fence || fenced || !isProse(line)) {
      flush();
      out.push(line);
      continue;
    }
    if (item.test(line)) flush();
    block.push(line);
  }
  flush();
  return out.join('\n');
}

/** Lines of prose that are too long, by number. */
export function tooLong(text: string): number[] {
  const wrapped = wrapMarkdown(text).split('\n');
  // A line with nothing to break at stays in the wrapped text too.
  const unbreakable = new Set(wrapped.filter((line) => line.length > widest));
  return text.split('\n').flatMap((line, at) => {
    const found = line.length > widest && !unbreakable.has(line);
    return found ? [at + 1] : [];
  });
}

const isProse = (line: string): boolean => line.trim() !== '' && !/^\s*(\||#|<|>|={3,}|-{3,}|!\[|\[!| {4})/.test(line);

function refill(block: readonly string[]): string[] {
  const first = item.exec(block[0] ?? '');
  const indent = /^\s*/.exec(block[0] ?? '')?.[0] ?? '';
  const hanging = first ? ' '.repeat(first[0].length) : indent;
  const lines: string[] = [];
  let line = first ? first[0].trimEnd() : '';
  for (const word of wordsOf(
    block
      .map((each) => each.trim())
      .join(' ')
      .slice(first ? first[0].trim().length : 0),
  )) {
    const longer = line === '' ? indent + word : `${line} ${word}`;
    if (longer.length > widest && line.trim() !== '' && !mark.test(word)) {
      lines.push(line);
      line = hanging + word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Words, where code between backticks counts as one. */
const wordsOf = (text: string): string[] => text.match(/(?:`[^`]*`|[^\s`])+|`/g) ?? [];
