/** What a terminal acts on, or what makes text look like other text: controls, marks of direction, invisible ones, halves of characters. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/** Tabs and ends of lines too. JSON and JavaScript read it back; joiners stay, because words of some languages need them. */
const escaped = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');

/** A name from anywhere (a field, a label, a device, a file) as one line of text that no terminal takes for commands. */
export function printable(name: string): string {
  return name.replaceAll(unprintable, escaped);
}

/** As {@link printable}, for text of several lines or with tabs between its cells. */
export function printableLines(text: string): string {
  return text.replaceAll(unprintable, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}
