/**
 * A page with what stands between `<!-- NAME -->` and `<!-- /NAME -->` replaced.
 * @param file - the page's name, for the message
 * @throws {Error} where the page has no such place
 */
export function withSection(page: string, name: string, content: string, file: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [page.indexOf(open), page.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`${file} has no place ${open} … ${close}`);
  return `${page.slice(0, from + open.length)}${content}${page.slice(to)}`;
}
