import type { ChildProcess } from 'node:child_process';
import { afterEach } from 'vitest';
import { kill } from '../../core/log/contract/fixture.ts';
import { withoutKafka } from '../../core/log/kafka/testing.ts';
import type { FactKinds } from '../../core/wire/fact.ts';
import type { ClassifierTask } from './child.ts';
import { type Engine, type Line, openLine } from './line.ts';
import { type Member, startMember } from './member.ts';

/** Each engine of the log, with the reason why it is not tested here, if there is one. */
export const engines = [
  { engine: 'SQLite', notRun: undefined, because: '' },
  { engine: 'Kafka', notRun: withoutKafka, because: withoutKafka ? `: ${withoutKafka}` : '' },
] as const;

/** What the tests of one file open: after each test its members are killed, and then its lines are closed. */
export function linesOfEachTest(facts?: FactKinds) {
  const lines: Line[] = [];
  const children: ChildProcess[] = [];
  afterEach(async () => {
    await Promise.all(children.splice(0).map(kill));
    for (const line of lines.splice(0)) await line.close();
  });
  return {
    async open(engine: Engine = 'SQLite'): Promise<Line> {
      const line = await openLine(engine, facts);
      lines.push(line);
      return line;
    },
    startMember({ address, stream }: Line, task: Omit<ClassifierTask, 'address' | 'stream'>): Member {
      const member = startMember({ address, stream, ...task });
      children.push(member.child);
      return member;
    },
  };
}
