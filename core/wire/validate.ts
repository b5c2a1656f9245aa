import { z } from 'zod';
import { describeError } from './errors.ts';

/**
 * Checks a value that came from outside against a schema: what `schema.safeParse` returns, and no value makes it throw.
 *
 * zod (seen with 4.6.7) compares the `length` of whatever has one with the bounds of a string or an array, although the type is wrong
 * already. Where that `length` is an object that cannot become a primitive, as `JSON.parse` makes it of
 * `{"length":{"toString":1,"valueOf":1}}`, the comparison throws a `TypeError`. Such a value is checked again as a copy of which every
 * object can: the same data with the same issues.
 */
export function validate<T extends z.core.$ZodType>(
  schema: T,
  value: unknown,
  params?: z.core.ParseContext<z.core.$ZodIssue>,
): z.ZodSafeParseResult<z.output<T>> {
  try {
    return z.safeParse(schema, value, params);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return validateCopy(schema, value, params);
  }
}

function validateCopy<T extends z.core.$ZodType>(
  schema: T,
  value: unknown,
  params: z.core.ParseContext<z.core.$ZodIssue> | undefined,
): z.ZodSafeParseResult<z.output<T>> {
  try {
    return z.safeParse(schema, convertible(value), params);
  } catch (error) {
    const message = error instanceof RangeError ? 'it nests too deep' : `it cannot be checked: ${describeError(error)}`;
    const found = new z.ZodRealError([{ code: 'custom', path: [], message, input: value }]);
    return { success: false, error: found as z.ZodError<z.output<T>> };
  }
}

/** A copy of plain data in which every object becomes NaN where a primitive is wanted; no bound takes that. */
function convertible(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convertible);
  if (!isPlainObject(value)) return value;
  const copy: object = Object.create(Object.getPrototypeOf(value));
  const property = { enumerable: true, configurable: true, writable: true };
  // Defined, not assigned: a key may be `__proto__`.
  for (const [key, child] of Object.entries(value))
    Object.defineProperty(copy, key, { ...property, value: convertible(child) });
  return Object.defineProperty(copy, Symbol.toPrimitive, { value: () => Number.NaN });
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
