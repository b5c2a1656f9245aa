import { DecimalScanner } from '../core/numeric/scan-decimals.ts';
import { toCsv } from '../core/partitions/csv.ts';
import type { Form } from '../core/partitions/names.ts';
import { contentOf, type ObjectRows } from '../core/partitions/rows.ts';
import { toParquet } from '../core/partitions/write-parquet.ts';
import { RowBuffer } from './row-buffer.ts';
import type { SampleBatch } from './sample-batch.ts';

export interface EncoderOptions {
  readonly fields: readonly string[];
  readonly form: Form;
  /** Of one object. */
  readonly mostRows: number;
}

/** What is known of an object when all its rows are there. */
export interface ObjectJob {
  readonly device: string;
  /** Digests of contents that are stored already: rows of one of these are not encoded again. */
  readonly known: readonly string[];
}

/** An object that is ready to be stored. */
export interface Encoded {
  readonly content: string;
  /** Absent where the content is known. */
  readonly bytes?: Uint8Array;
}

/** Gathers the rows of one object after the other, and encodes them. */
export class ObjectEncoder {
  readonly #form: Form;
  readonly #scanner = new DecimalScanner();
  readonly #buffer: RowBuffer;
  /** Rows that may be all of an object: they stay where they are then. */
  #rows: ObjectRows | undefined;

  constructor({ fields, form, mostRows }: EncoderOptions) {
    this.#form = form;
    this.#buffer = new RowBuffer(fields, mostRows);
  }

  addRows(rows: ObjectRows): void {
    if (this.#rows === undefined && this.#buffer.count === 0) this.#rows = rows;
    else this.#own().addAll(rows);
  }

  addSamples({ bytes, points }: SampleBatch): void {
    const buffer = this.#own();
    for (const point of points) buffer.addSamples(point, bytes, this.#scanner);
  }

  #own(): RowBuffer {
    if (this.#rows) this.#buffer.addAll(this.#rows);
    this.#rows = undefined;
    return this.#buffer;
  }

  /** The rows since the last object are this one. */
  async encode({ device, known }: ObjectJob): Promise<Encoded> {
    const rows = this.#rows ? { ...this.#rows, device } : this.#buffer.rows(device);
    try {
      const content = contentOf(rows);
      if (known.includes(content)) return { content };
      return { content, bytes: this.#form === 'csv' ? toCsv(rows) : await toParquet(rows) };
    } finally {
      this.#rows = undefined;
      this.#buffer.clear();
    }
  }
}
