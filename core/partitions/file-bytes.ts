import { ByteWriter } from 'hyparquet-writer';

/** The bytes of a file under construction. Room that is left is not filled with zeros, nor copied at each step. */
export class FileBytes extends ByteWriter {
  override ensure(size: number): void {
    const needed = this.index + size;
    if (needed > this.buffer.byteLength) this.#widen(Math.max(needed, 2 * this.buffer.byteLength));
  }

  /** Makes room once for so many bytes in all. */
  expect(bytes: number): void {
    if (bytes > this.buffer.byteLength) this.#widen(Math.ceil(bytes));
  }

  #widen(bytes: number): void {
    const wider = Buffer.allocUnsafeSlow(bytes);
    wider.set(this.getBytes());
    this.buffer = wider.buffer;
    this.view = new DataView(wider.buffer);
  }
}
