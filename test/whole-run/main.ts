// `npm test`: says what it will get and how long that takes, gets it, checks, tests, and says at the end what it left out.
// Arguments go to Vitest. What the environment demands (`GAPLINE_REQUIRE_…=1`) is never left out: the run fails instead.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { obtain } from '../servers/obtain.ts';
import { thisMachine } from './machine.ts';
import { parts, type SuppliedPart } from './parts.ts';
import { announcement, demandedButLeftOut, farewell, type LeftOut, type Part, planRun } from './plan.ts';

const root = join(import.meta.dirname, '../..');
const tell = (text: string): void => console.error(text);

/** Gets one part; what is wrong where that fails. */
async function get(part: Part): Promise<LeftOut | undefined> {
  try {
    if (part.id === 'compose') await makeImages();
    for (const supply of (part as SuppliedPart).supplies) await obtain(supply, tell);
    return undefined;
  } catch (error) {
    return {
      part,
      reason: `it could not be got (${String((error as Error).message)
        .split('\n')
        .join(' ')})`,
    };
  }
}

async function makeImages(): Promise<void> {
  const script = join(root, 'test/images/build.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], { stdio: ['ignore', 2, 2] });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error('the images of the stack are not there');
}

/** Runs a program in sight of the person; its exit code. */
function show(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  return status ?? 1;
}

/** Ends the run where something is left out that the environment demands. */
function insist(leftOut: readonly LeftOut[]): void {
  const wanting = demandedButLeftOut(leftOut, process.env);
  for (const { part, reason } of wanting) tell(`${part.demandedBy}=1 demands ${part.title}, but ${reason}.`);
  if (wanting.length > 0) process.exit(1);
}

const plan = planRun(parts, thisMachine());
tell(announcement(plan));
insist(plan.leftOut);

const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
const checked = show(npm[0]!, [...npm.slice(1), 'run', '--silent', 'check']);
if (checked !== 0) process.exit(checked);

const failed = (await Promise.all(plan.gets.map(({ part }) => get(part)))).filter((each) => each !== undefined);
// What stands on a part that could not be got is left out with it.
const lost = new Set(failed.map(({ part }) => part.id));
const followers = parts.filter(({ needs }) => needs?.some((id) => lost.has(id)));
const because = (part: Part) => `it needs ${part.needs!.filter((id) => lost.has(id)).join(' and ')}`;
const leftOut = [...plan.leftOut, ...failed, ...followers.map((part) => ({ part, reason: because(part) }))];
insist(leftOut);

const runs = (id: string): boolean => !leftOut.some(({ part }) => part.id === id);
const status = show(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)], {
  // Tests start hundreds of processes of the line, and each would compile the same files again.
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'),
  ...(runs('compose') && { GAPLINE_TEST_COMPOSE: '1' }),
  ...(runs('campaign') && { GAPLINE_TEST_CAMPAIGN: '1' }),
});
tell(farewell(leftOut));
process.exit(status);
