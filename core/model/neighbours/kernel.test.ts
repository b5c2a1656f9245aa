import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sharedMemory } from '../../numeric/arena.ts';
import { instantiateProducts, together } from './kernel.ts';

it('multiplies as the definition does', () => {
  const shapes = fc.record({ planes: fc.integer({ min: 1, max: 5 }), blocks: fc.integer({ min: 1, max: 4 }) });
  fc.assert(
    fc.property(shapes, fc.infiniteStream(fc.integer({ min: -9, max: 9 })), ({ planes: fours, blocks }, numbers) => {
      const [planes, length] = [fours * 4, blocks * 16];
      const memory = sharedMemory(65_536);
      const floats = new Float32Array(memory.buffer);
      const fill = (at: number, count: number) => {
        for (let index = 0; index < count; index++) floats[at + index] = numbers.next().value;
        return floats.slice(at, at + count);
      };
      const matrix = fill(0, planes * length);
      const kernel = instantiateProducts(memory, planes, length);
      const [factorsAt, outAt] = [matrix.length, matrix.length + together * length];

      const few = fill(factorsAt, together * planes);
      kernel.weigh(factorsAt * 4, outAt * 4);
      for (let query = 0; query < together; query++)
        for (let column = 0; column < length; column++) {
          let sum = 0;
          for (let plane = 0; plane < planes; plane++)
            sum += few[query * planes + plane]! * matrix[plane * length + column]!;
          expect(floats[outAt + query * length + column]).toBe(sum);
        }

      const many = fill(factorsAt, together * length);
      kernel.gather(factorsAt * 4, outAt * 4);
      for (let query = 0; query < together; query++)
        for (let plane = 0; plane < planes; plane++) {
          let sum = 0;
          for (let column = 0; column < length; column++)
            sum += many[query * length + column]! * matrix[plane * length + column]!;
          expect(floats[outAt + query * planes + plane]).toBe(sum);
        }
    }),
    { numRuns: 30 },
  );
});
