type Numbers = Float64Array | BigInt64Array | Int32Array | Uint8Array;

/** Copies numbers into another array of their kind, from a place on, also where threads share one of them: there `set` is slow. */
export function copyNumbers<Kind extends Numbers>(from: Kind, to: Kind, at = 0): void {
  const isShared = from.buffer instanceof SharedArrayBuffer || to.buffer instanceof SharedArrayBuffer;
  // Both are of one kind, which the compiler does not follow into `set`.
  if (isShared) bytesOf(from).copy(bytesOf(to), at * to.BYTES_PER_ELEMENT);
  else to.set(from as never, at);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Numbers): Buffer =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
