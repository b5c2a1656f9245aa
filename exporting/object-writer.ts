import type { ObjectInfo, ObjectStore, Staging } from '../core/objects/port.ts';
import { type ExportedObject, type Manifest, mostObjects } from '../core/partitions/manifest.ts';
import { type Form, objectKey, type Partition, partPlace, readKey } from '../core/partitions/names.ts';
import { columnsOf } from '../core/partitions/rows.ts';
import { giveBack } from '../core/partitions/shared-room.ts';
import { GaplineError } from '../core/wire/errors.ts';
import type { Encoder } from './encoder.ts';
import type { Formed } from './form.ts';
import { type FoundObject, setOf } from './settle.ts';

/** Objects that are encoded or stored at once: what they hold is in memory. */
const mostUnderWay = 3;

/** Where objects go, and how they are written. */
export interface WriterOptions {
  readonly fields: readonly string[];
  readonly objects: ObjectStore;
  readonly form: Form;
  /** Told after each object. */
  readonly onProgress?: (progress: { readonly rows: number; readonly objects: number }) => void;
}

interface ObjectWriterOptions extends WriterOptions {
  /** Where objects are files: who makes them of what was written. */
  readonly staging?: Staging;
}

/** Encodes and stores objects, some at once. */
export class ObjectWriter {
  written = 0;
  resumed = 0;
  readonly #input: ObjectWriterOptions;
  readonly #columns: number;
  readonly #encoder: Encoder;
  readonly #before: ReadonlyMap<string, ExportedObject>;
  /** By the place of a part, the contents that are stored there in this form. */
  readonly #contents = new Map<string, string[]>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #found: FoundObject[] = [];
  #failure: unknown;
  #rows = 0;

  /** @param encoder - who is sent the rows of each object before it is written here */
  constructor(
    input: ObjectWriterOptions,
    encoder: Encoder,
    { before, stored }: { readonly before: Manifest | undefined; readonly stored: ReadonlyMap<string, ObjectInfo> },
  ) {
    this.#input = input;
    this.#encoder = encoder;
    this.#before = new Map(before?.objects.map((object) => [object.key, object]));
    this.#columns = setOf(before, columnsOf(input.fields)).index;
    for (const key of stored.keys()) {
      const read = readKey(key);
      if (read?.form !== input.form) continue;
      const contents = this.#contents.get(read.place);
      if (contents) contents.push(read.content);
      else this.#contents.set(read.place, [read.content]);
    }
  }

  /** Resolves as soon as there is room for one more object. @throws what an object before failed with */
  async whenRoom(): Promise<void> {
    while (this.#underWay.size >= mostUnderWay) await Promise.race(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#found.length >= mostObjects)
      throw new GaplineError(
        'data-invalid',
        `the export would have more than ${mostObjects} objects, one for each day of a device; choose a shorter --range`,
      );
  }

  /** The rows that the encoder was sent since the last object are this one. */
  write(partition: Partition, part: number, count: number): void {
    const work = this.#store(partition, part, count)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async #store(partition: Partition, part: number, count: number): Promise<void> {
    const { form, onProgress } = this.#input;
    const known = this.#contents.get(partPlace(partition, part)) ?? [];
    const { content, formed } = await this.#encoder.encode({ device: partition.device, known });
    const key = objectKey(partition, part, content, form);
    const entry = { key, ...partition, part, rows: count, content, columns: this.#columns };
    const old = this.#before.get(key);
    if (formed) {
      const stored = await this.#storeFormed(key, formed);
      this.written += 1;
      this.#found.push({ ...entry, ...stored, isNew: true });
    } else if (old) this.#found.push({ ...old, isNew: false });
    else this.#found.push({ ...entry, ...(await this.#resumedOf(key)) });
    this.#rows += count;
    onProgress?.({ rows: this.#rows, objects: this.#found.length });
  }

  async #storeFormed(key: string, formed: Formed) {
    const { objects, staging } = this.#input;
    if ('file' in formed) {
      await staging?.adopt(key, formed.file);
      return { bytes: formed.length };
    }
    const { bytes } = formed;
    const { version } = await objects.put(key, bytes).finally(() => giveBack(bytes));
    return { bytes: bytes.length, ...(version !== undefined && { version }) };
  }

  /** Of an object that a run stored which did not come to its manifest. */
  async #resumedOf(key: string) {
    const head = await this.#input.objects.head(key);
    if (!head) throw new GaplineError('data-invalid', `${key} was deleted while it was exported; start again`);
    this.resumed += 1;
    return { bytes: head.bytes, ...(head.version !== undefined && { version: head.version }), isNew: true };
  }

  /** All objects, once they are stored. @throws what the first of them failed with */
  async done(): Promise<readonly FoundObject[]> {
    await Promise.all(this.#underWay);
    if (this.#failure !== undefined) throw this.#failure;
    return this.#found;
  }

  async close(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
