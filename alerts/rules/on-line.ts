import type { StoredRecord } from '../../core/log/port.ts';
import { decodeTick, type Tick } from '../../core/wire/alert.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { LineRule } from './rule.ts';
import type { RuleDraft } from './rule-book.ts';

/** Lets ticks decide that say how the stages are. */
export function judgeLine({ name }: Stream, records: readonly StoredRecord[], draft: RuleDraft<LineRule>): void {
  for (const record of records) {
    const tick = decodeTick(record.value);
    if (typeof tick === 'string' || tick.kind !== 'line') continue;
    const at = BigInt(tick.at);
    for (const each of draft.rules) {
      const { rule } = each;
      const found = findingOf(rule, tick);
      // A stage that says nothing is neither well nor ill.
      if (found === undefined) continue;
      const matches = found >= (rule.kind === 'lag' ? rule.records : rule.fields);
      const subject = rule.kind === 'lag' ? rule.stage : name;
      draft.step(each, record, { subject, matches, at, received: at, details: { value: found } });
    }
  }
}

function findingOf(rule: LineRule, { lag, drifted }: Extract<Tick, { kind: 'line' }>): number | undefined {
  return rule.kind === 'lag' ? lag[rule.stage] : drifted;
}
