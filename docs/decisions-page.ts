import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wrapMarkdown } from './wrap.ts';

/** A decision, as its file tells it. */
export interface Decision {
  readonly file: string;
  readonly title: string;
  /** `accepted`, or what a line `**Status.** …` in the file says instead. */
  readonly status: string;
}

/** The decisions in a folder, by number. */
export function readDecisions(folder: string): Decision[] {
  const files = readdirSync(folder).filter((file) => /^\d{4}-.*\.md$/.test(file));
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const title = /^# (\d{4}: .+)$/m.exec(text)?.[1] ?? file;
    const status = /^\*\*Status\.\*\* (.+?)\.?$/m.exec(text)?.[1] ?? 'accepted';
    return { file, title, status };
  });
}

/** The dates in an index, by file name. */
export function datesOf(index: string): Map<string, string> {
  const rows = index.matchAll(/\]\((\d{4}-[^)]+)\).*\| (\d{4}-\d\d-\d\d) \|$/gm);
  return new Map([...rows].map(([, file, date]) => [file ?? '', date ?? '']));
}

/** `docs/decisions/README.md`. `dates` has the day of each decision, by file name. */
export function decisionsIndex(decisions: readonly Decision[], dates: ReadonlyMap<string, string>): string {
  const rows = decisions.map(({ file, title, status }) => `| [${title}](${file}) | ${status} | ${dates.get(file)} |`);
  return wrapMarkdown(
    [
      '# Decisions',
      '',
      '<!-- Made from the files of this folder by `npm run docs`. The dates are those of the first commit of each file. -->',
      '',
      'Each decision says what was decided, why, and what was measured. Decisions are history: a new one supersedes an old one, which then gets a line `**Status.** superseded by NNNN`. A new file takes the next free number of its area: 0010 log, 0020 store, 0030 tests and images, 0040 forests, 0050 imputers and versions, 0060 collector, 0070 generator, classifier and serving, 0080 live page, 0090 faults, 0100 alerts. An area that is full continues a hundred higher: 0160 collector.',
      '',
      '| decision | status | date |',
      '| --- | --- | --- |',
      ...rows,
      '',
    ].join('\n'),
  );
}
