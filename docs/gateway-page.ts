import { readFileSync } from 'node:fs';
import { type Right, rights, roles } from '../gateway/rights/table.ts';
import { withSection } from './section.ts';

const words: Readonly<Record<Right['pattern'], string>> = {
  stream: 'of the streams of the role',
  own: 'of their own, of the streams of the role',
  all: 'with the role for every stream (`*`)',
};

/** The table of rights, a column for each role. */
function rightsTable(): string {
  const rows = (rights as readonly Right[]).map(({ resource, permission, pattern, role: least }) => {
    const cells = roles.map((role) => (roles.indexOf(role) >= roles.indexOf(least) ? 'yes' : ''));
    return `| ${permission} | ${resource} | ${words[pattern]} | ${cells.join(' | ')} |`;
  });
  return [
    `| permission | resource | which | ${roles.join(' | ')} |`,
    `| --- | --- | --- | ${roles.map(() => '---').join(' | ')} |`,
    ...rows,
  ].join('\n');
}

/** The table of rights is made; the rest is written by hand. */
export function gatewayPage(): string {
  const page = readFileSync(new URL('gateway.md', import.meta.url), 'utf8');
  return withSection(page, 'rights', `\n\n${rightsTable()}\n\n`, 'docs/gateway.md');
}
