/** What a session remembers of what was committed. */
export interface Memory {
  save(): Uint8Array;
  /** Replaces what is remembered. Throws a `RangeError` where the bytes are not what `save` of the same model wrote. */
  load(bytes: Uint8Array): void;
}
