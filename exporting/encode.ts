import { DecimalScanner } from '../core/numeric/scan-decimals.ts';
import { contentOf } from '../core/partitions/content.ts';
import type { Form } from '../core/partitions/names.ts';
import type { ObjectRows } from '../core/partitions/rows.ts';
import { type Formed, formOf } from './form.ts';
import { Former } from './former.ts';
import { RowBuffer } from './row-buffer.ts';
import type { SampleBatch } from './sample-batch.ts';

export interface EncoderOptions {
  readonly fields: readonly string[];
  readonly form: Form;
  /** Of one object. */
  readonly mostRows: number;
  /** From so many cells on, the bytes of an object are made in another thread. Default one million: to start it takes as long as those. */
  readonly manyCells?: number;
  /** Whether nothing is stored yet, so that there is no object whose bytes need not be made. */
  readonly isFirst?: boolean;
  /** Where objects are files, what paths of new ones begin with. */
  readonly staging?: string;
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
  readonly formed?: Formed;
}

/** Gathers the rows of one object after the other, and encodes them. */
export class ObjectEncoder {
  /** Resolves as soon as rows of the next object can be added. */
  ready: Promise<unknown> = Promise.resolve();
  readonly #form: Form;
  readonly #manyCells: number;
  readonly #width: number;
  readonly #isFirst: boolean;
  readonly #staging: string | undefined;
  readonly #scanner = new DecimalScanner();
  readonly #makeBuffer: (room?: number) => RowBuffer;
  #buffer: RowBuffer;
  /** The one whose rows are read elsewhere, and until when. */
  #other: { readonly buffer: RowBuffer; readonly isFree: Promise<unknown> } | undefined;
  #former: Former | undefined;
  /** Rows that may be all of an object: they stay where they are then. */
  #rows: ObjectRows | undefined;

  constructor({ fields, form, mostRows, manyCells = 1_000_000, isFirst = false, staging }: EncoderOptions) {
    this.#staging = staging;
    this.#form = form;
    this.#manyCells = manyCells;
    this.#isFirst = isFirst;
    this.#width = fields.length + 3;
    this.#makeBuffer = (room) => new RowBuffer(fields, mostRows, room === undefined ? {} : { room });
    this.#buffer = this.#makeBuffer();
  }

  addRows(rows: ObjectRows): void {
    if (this.#rows === undefined && this.#buffer.count === 0) this.#rows = rows;
    else this.#own().addAll(rows);
  }

  addSamples({ bytes, points }: SampleBatch): void {
    const buffer = this.#own();
    for (const point of points) buffer.addSamples(point, bytes, this.#scanner);
    // It starts while there is more to gather.
    if (this.#isFirst && this.#isLarge(buffer.count)) this.#former ??= new Former(this.#form, this.#staging);
  }

  #own(): RowBuffer {
    if (this.#rows) this.#buffer.addAll(this.#rows);
    this.#rows = undefined;
    return this.#buffer;
  }

  /** The rows since the last object are this one. Those of the next one may be added when it is {@link ready}. */
  async encode({ device, known }: ObjectJob): Promise<Encoded> {
    const isOwn = this.#rows === undefined;
    const rows = this.#rows ? { ...this.#rows, device } : this.#buffer.rows(device);
    this.#rows = undefined;
    const content = contentOf(rows);
    if (known.includes(content)) {
      this.#buffer.clear();
      return { content };
    }
    const formed = this.#isLarge(rows.count) ? this.#formElsewhere(rows, isOwn) : this.#formHere(rows);
    return { content, formed: await formed };
  }

  #isLarge(rows: number): boolean {
    return rows * this.#width >= this.#manyCells;
  }

  async #formHere(rows: ObjectRows): Promise<Formed> {
    const bytes = formOf(rows, this.#form);
    const clear = () => this.#buffer.clear();
    this.ready = bytes.then(clear, clear);
    return { bytes: await bytes };
  }

  #formElsewhere(rows: ObjectRows, isOwn: boolean): Promise<Formed> {
    this.#former ??= new Former(this.#form, this.#staging);
    const formed = this.#former.form(rows);
    if (isOwn) this.#takeTurns(formed);
    return formed;
  }

  /** The next rows go to the other buffer, while those of this one are read. */
  #takeTurns(formed: Promise<unknown>): void {
    const [full, other] = [this.#buffer, this.#other];
    this.#buffer = other?.buffer ?? this.#makeBuffer(full.room);
    this.ready = other?.isFree ?? Promise.resolve();
    const clear = () => full.clear();
    this.#other = { buffer: full, isFree: formed.then(clear, clear) };
  }
}
