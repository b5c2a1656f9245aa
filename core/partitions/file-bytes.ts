import { ByteWriter } from 'hyparquet-writer';
import { SharedRoom } from './shared-room.ts';

/** The bytes of a file under construction, in room that is used again. */
export class FileBytes extends ByteWriter {
  readonly #room = SharedRoom.take();

  constructor() {
    super(0);
    this.#use();
  }

  override ensure(size: number): void {
    const { length } = this.#room.bytes;
    if (this.offset + size > length) this.#widen(Math.max(this.offset + size, 2 * length));
  }

  /** Makes room once for so many bytes in all. */
  expect(bytes: number): void {
    this.#widen(Math.ceil(bytes));
  }

  override getBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer, this.#room.bytes.byteOffset, this.offset);
  }

  #widen(bytes: number): void {
    this.#room.widen(bytes, this.offset);
    this.#use();
  }

  #use(): void {
    const { buffer, byteOffset } = this.#room.bytes;
    // The type of a writer knows only memory that is not shared; it does nothing that this could not do.
    this.buffer = buffer as unknown as ArrayBuffer;
    this.view = new DataView(this.buffer);
    this.index = byteOffset + this.offset;
  }
}
