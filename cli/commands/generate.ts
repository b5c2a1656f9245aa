export async function openGenerator(..._a: unknown[]): Promise<never> { throw new Error('x'); }
export async function generate(_o: unknown): Promise<void> {}
