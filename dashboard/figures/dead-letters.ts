import type { StoredRecord } from '../../core/log/port.ts';
import { deadLetterSchema } from '../../core/wire/dead-letter.ts';
import { validate } from '../../core/wire/validate.ts';
import type { DeadLetterView } from '../events.ts';
import { parseObject } from './records.ts';

const shown = 5;
const mostCharacters = 300;

/** The newest dead letters. A flood of them is only counted: what is shown is parsed when it is looked at. */
export class DeadLetters {
  #last: StoredRecord[] = [];

  take(record: StoredRecord): void {
    this.#last.push(record);
    if (this.#last.length > 4 * shown) this.#last = this.#last.slice(-shown);
  }

  /** Newest first. */
  views(): DeadLetterView[] {
    return this.#last.slice(-shown).reverse().map(viewOf);
  }
}

function viewOf({ topic, partition, offset, arrivedMs, value }: StoredRecord): DeadLetterView {
  const parsed = validate(deadLetterSchema, parseObject(value));
  if (!parsed.success) {
    return {
      at: arrivedMs,
      stage: 'unknown',
      reason: 'This record is not a dead letter.',
      from: `${topic}/${partition}@${offset}`,
    };
  }
  const letter = parsed.data;
  return {
    at: arrivedMs,
    stage: letter.stage,
    reason: letter.reason.slice(0, mostCharacters).toWellFormed(),
    from: `${letter.topic}/${letter.partition}@${letter.offset}`,
  };
}
