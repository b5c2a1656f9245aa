import type { EventLog } from '../core/log/port.ts';
import { oneLine } from '../core/wire/errors.ts';
import { type Status, statusSchema } from '../core/wire/status.ts';
import type { Stream } from '../core/wire/stream.ts';
import { validate } from '../core/wire/validate.ts';

type UnknownField = NonNullable<Status['unknownFields']>[number];

const lookBackMs = 3_600_000;

/** The fields that devices sent and the stream does not know, by what each collector reported last within the hour. */
export async function readUnknownFields(log: EventLog, { topics }: Stream): Promise<UnknownField[]> {
  const last = new Map<string, readonly UnknownField[]>();
  for await (const records of log.tail([topics.status], { since: Date.now() - lookBackMs, follow: false })) {
    for (const { value } of records) {
      const status = statusOf(value);
      if (status?.stage === 'collector') last.set(status.instance, status.unknownFields ?? []);
    }
  }
  const sums = new Map<string, UnknownField>();
  for (const field of [...last.values()].flat()) {
    sums.set(field.name, { ...field, count: field.count + (sums.get(field.name)?.count ?? 0) });
  }
  return [...sums.values()].sort((left, right) => right.count - left.count);
}

/** One sentence for each field. */
export function describeUnknownFields(fields: readonly UnknownField[]): string {
  const sentences = fields.map(({ name, count, near }) => {
    const hint = near === undefined ? '' : `; did you mean \`${near}\`?`;
    return `\`${name}\` is not known: ${count} ${count === 1 ? 'time' : 'times'}${hint}`;
  });
  return oneLine(sentences.join(', '));
}

function statusOf(value: Uint8Array): Status | undefined {
  try {
    return validate(statusSchema, JSON.parse(Buffer.from(value).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
