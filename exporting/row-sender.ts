import { PointRow, type SampleTexts } from '../core/store/point-row.ts';
import type { StoredPoint } from '../core/store/port.ts';
import { recordTimeOf } from '../core/wire/samples-point.ts';
import type { Encoder } from './encoder.ts';
import { RowBuffer } from './row-buffer.ts';
import { BatchWriter, roomOf } from './sample-batch.ts';

/** Sends the rows of one object after the other to the encoder: readings as columns, samples as the text that the archive has. */
export class RowSender {
  /** Rows of the object at hand. */
  count = 0;
  readonly #encoder: Pick<Encoder, 'addRows' | 'addSamples' | 'room'>;
  readonly #mostRows: number;
  readonly #point: PointRow;
  readonly #rows: RowBuffer;
  #batch: BatchWriter | undefined;

  constructor(fields: readonly string[], encoder: Pick<Encoder, 'addRows' | 'addSamples' | 'room'>, mostRows: number) {
    this.#encoder = encoder;
    this.#mostRows = mostRows;
    this.#point = new PointRow(fields);
    this.#rows = new RowBuffer(fields, mostRows);
  }

  /** Whether the next point begins another object. */
  get full(): boolean {
    return this.count >= this.#mostRows;
  }

  /** Adds a point: a row, or where it holds samples a row for each, or both. What it returns must be awaited first, if it does. */
  add(point: StoredPoint): Promise<void> | undefined {
    const found = this.#point;
    found.read(point);
    if (found.isRow) {
      this.#sendBatch();
      this.#rows.addRow(point.time, found);
      this.count += 1;
    }
    return found.samples && this.#addSamples(point.time, found.samples);
  }

  #addSamples(time: bigint, samples: SampleTexts): Promise<void> | undefined {
    this.#sendRows();
    this.count += samples.count;
    const bytes = roomOf(samples);
    if (this.#batch && !this.#batch.hasRoom(bytes)) this.#sendBatch();
    if (!this.#batch) {
      const room = this.#encoder.room(bytes);
      if (room instanceof Promise)
        return room.then((whenFree) => {
          this.#put(new BatchWriter(whenFree), time, samples);
        });
      this.#batch = new BatchWriter(room);
    }
    this.#put(this.#batch, time, samples);
    return undefined;
  }

  #put(batch: BatchWriter, time: bigint, samples: SampleTexts): void {
    const { truth, isEnd } = this.#point;
    this.#batch = batch;
    batch.add(samples, { recordTime: recordTimeOf(time, samples), truth, isEnd });
  }

  /** Sends what is left: the rows since the last call are an object. */
  flush(): void {
    this.#sendRows();
    this.#sendBatch();
    this.count = 0;
  }

  #sendRows(): void {
    if (this.#rows.count === 0) return;
    this.#encoder.addRows(this.#rows.copy());
    this.#rows.clear();
  }

  #sendBatch(): void {
    if (this.#batch) this.#encoder.addSamples(this.#batch.batch);
    this.#batch = undefined;
  }
}
