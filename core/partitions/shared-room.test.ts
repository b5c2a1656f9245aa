import { expect, test } from 'vitest';
import { giveBack, SharedRoom } from './shared-room.ts';

test('room is used again when it was given back, and not before; of what nobody gives back, not all is kept', () => {
  const [first, second] = [SharedRoom.take(), SharedRoom.take()];
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  giveBack(first.bytes.subarray(5));
  expect(SharedRoom.take().bytes.buffer).toBe(first.bytes.buffer);
  for (let more = 0; more < 3; more += 1) SharedRoom.take();
  giveBack(first.bytes);
  expect(SharedRoom.take().bytes.buffer).not.toBe(first.bytes.buffer);
  giveBack(new Uint8Array(1));
});

test('what was written stays where room is made wider, which is given back as a whole', () => {
  const room = SharedRoom.take();
  const { length } = room.bytes;
  room.bytes.set([1, 2, 3]);
  room.widen(length, 3);
  const narrow = room.bytes.buffer;
  room.widen(2 * length, 3);
  expect(room.bytes.length).toBe(2 * length);
  expect([...room.bytes.subarray(0, 4)]).toEqual([1, 2, 3, 0]);
  giveBack(new Uint8Array(narrow));
  expect(SharedRoom.take().bytes.buffer).not.toBe(room.bytes.buffer);
  giveBack(room.bytes);
  expect(SharedRoom.take().bytes.buffer).toBe(room.bytes.buffer);
});
