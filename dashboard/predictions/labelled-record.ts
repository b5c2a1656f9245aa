import type { StoredRecord } from '../../core/log/port.ts';
import { parseObject } from '../figures/records.ts';

/** Which predictions a reader wants. */
export interface Selection {
  readonly device?: string;
  readonly label?: string;
}

const decoder = new TextDecoder();

/** A prediction as it lies in the log. It is parsed once, and only if somebody selects by its label. */
export class LabelledRecord {
  readonly record: StoredRecord;
  #label: string | undefined;
  #isParsed = false;

  constructor(record: StoredRecord) {
    this.record = record;
  }

  /** The JSON of it. */
  get text(): string {
    return decoder.decode(this.record.value);
  }

  isSelectedBy({ device, label }: Selection): boolean {
    if (device !== undefined && this.record.key !== device) return false;
    return label === undefined || this.label === label;
  }

  /** Undefined where it has none. */
  get label(): string | undefined {
    if (!this.#isParsed) {
      const label = parseObject(this.record.value)?.label;
      this.#label = typeof label === 'string' ? label : undefined;
    }
    this.#isParsed = true;
    return this.#label;
  }
}
