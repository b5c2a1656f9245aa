import { errorCatalog } from '../core/wire/errors.ts';
import { wrapMarkdown } from './wrap.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The page of every error, made of the catalog. */
export function errorsPage(): string {
  const sections = Object.entries(errorCatalog).map(([code, { status, title, cause, remedy }]) =>
    [
      `## ${code}`,
      '',
      `${title}. HTTP ${status}.`,
      '',
      `- **Cause:** ${cell(cause)}`,
      `- **Remedy:** ${cell(remedy)}`,
      '',
    ].join('\n'),
  );
  return wrapMarkdown(
    [
      '# Errors',
      '',
      '<!-- Made from core/wire/errors.ts by `npm run docs`. -->',
      '',
      'Each error that a person can meet has a code. The command line prints `gapline: WHAT, WHERE. WHAT TO DO [CODE]` and ends with 1; the HTTP endpoints answer',
      '`application/problem+json` with the code in `code`, a status, and what was wrong in `detail`. `POST /api/v2/write` answers in the form of InfluxDB instead,',
      'with the same statuses. The status stands here also where no endpoint answers with it. For an unknown command or option, the command line lists what there is, without a code.',
      '',
      ...sections,
    ].join('\n'),
  );
}
