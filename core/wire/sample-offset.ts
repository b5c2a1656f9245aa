/** Nanoseconds from the first sample to sample `index`: the one definition that line, archive and training share. */
export const sampleOffsetNs = (index: number, rate: number): number => Math.floor((index * 1e9) / rate);
