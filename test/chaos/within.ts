/** The longest waits of a campaign: each has its own bound, so that it always ends and names what it waited for. */
export class Late extends Error {
  constructor(seconds: number, what: string) {
    super(`waited ${Math.round(seconds)} s for ${what}`);
    this.name = 'Late';
  }
}

/**
 * Settles as the work does, which is not ended by it.
 * @param what - names what is waited for; a function where that changes
 * @throws {Late} after so many seconds
 */
export async function within<T>(seconds: number, what: string | (() => string), work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const fail = () => late.reject(new Late(seconds, typeof what === 'string' ? what : what()));
  const timer = setTimeout(fail, Math.max(0, seconds * 1_000));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    // Nobody looks at it any more.
    work.catch(() => {});
  }
}
