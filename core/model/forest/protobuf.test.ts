import { describe, expect, it } from 'vitest';
import { Message } from './protobuf.ts';

const message = (...bytes: number[]) => new Message(Uint8Array.from(bytes));

describe('Message', () => {
  it.each<[string, number[], number[]]>([
    ['one byte', [0x08, 0x01], [1]],
    ['two bytes', [0x08, 0xac, 0x02], [300]],
    ['ten bytes: minus one', [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [-1]],
    ['the greatest exact one', [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], [2 ** 53 - 1]],
    ['one after the other', [0x08, 0x01, 0x08, 0x02], [1, 2]],
    ['packed', [0x0a, 0x03, 0x01, 0xac, 0x02], [1, 300]],
    ['none', [0x10, 0x01], []],
  ])('reads integers: %s', (_, bytes, integers) => {
    expect(message(...bytes).integers(1)).toEqual(integers);
  });

  it('reads floats, packed or not, doubles and strings', () => {
    const half = [0x00, 0x00, 0x00, 0x3f];
    expect(message(0x0d, ...half, 0x0a, 0x08, ...half, ...half).floats(1)).toEqual([0.5, 0.5, 0.5]);
    expect(message(0x09, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f).doubles(1)).toEqual([0.5]);
    expect(message(0x12, 0x02, 0x68, 0x69).string(2)).toBe('hi');
    expect(message(0x12, 0x02, 0x08, 0x07).message(2)?.integer(1)).toBe(7);
  });

  it.each<[string, number[], RegExp]>([
    ['a number that does not end', [0x08, 0xff], /no number ends/],
    ['a number that is too long', [0x08, ...new Array<number>(11).fill(0xff)], /no number ends/],
    ['a field that does not end', [0x12, 0x05, 0x00], /5 bytes does not end/],
    ['a field of negative length', [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /does not end/],
    ['a group', [0x0b], /no wire type 3/],
  ])('refuses %s', (_, bytes, why) => {
    expect(() => message(...bytes)).toThrow(why);
  });

  it('refuses a list of floats that is cut off', () => {
    expect(() => message(0x0a, 0x03, 0, 0, 0).floats(1)).toThrow(/no list of 4-byte numbers/);
  });
});
