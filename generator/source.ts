/** The readings of one device, from where it was opened on. */
export interface Track {
  /**
   * Writes the values of the next reading, or sample, into `values`, NaN for gaps of the source's own, and returns the truth where it is known.
   * @param time - of the reading, in nanoseconds since the epoch; whoever runs a source through without a generator gives none
   */
  next(values: Float64Array, time?: bigint): string | undefined;
}

/** Where readings come from before values are masked: a data set replayed, or a machine simulated. The same at every opening. */
export interface Source {
  readonly fields: readonly string[];
  /** Where readings are records of many samples: how many each holds, and how many the device makes a second. Default: one sample. */
  readonly samples?: { readonly count: number; readonly rate: number };
  /** Names, each once. */
  readonly devices: readonly string[];
  /** Who speaks when: indexes into `devices`. At its end the round begins again. */
  readonly round: Int32Array;
  /** Readings in all where nothing is repeated; Infinity where there is no end. */
  readonly length: number;
  /** Identifies sources that make other readings. */
  readonly fingerprint: string;
  /** The readings of a device from its n-th on, without an end; where they hold many samples, the samples from the n-th on. */
  open(device: number, n: number): Track;
  /** Whether the n-th reading of a device ends its segment; where readings hold many samples, the n-th of those. Default: none does. */
  ends?(device: number, n: number): boolean;
  /**
   * What is to be told of a device before its next reading: facts as `POST /facts` takes them, without their stream. Told again after a
   * restart, so each must be the same for the same times. Default: nothing.
   * @param since - when its last reading was made, in nanoseconds since the epoch; undefined before the first
   */
  facts?(device: number, since: bigint | undefined, now: bigint): readonly object[];
  /** When reading `index` is made, in mean spacings after the first: grows by at least 0.01. Default: `index` itself. */
  step?(index: number): number;
  /** The values of a field, ascending, without gaps: all of them, or a fair sample. */
  distribution(field: number): Float64Array;
}

/** Where a reading of the whole stream stands within its device, and back. */
export interface DeviceOrder {
  readonly deviceOf: (index: number) => number;
  /** How many readings the device makes before reading `index`. */
  readonly numberOf: (index: number) => number;
  /** The reading that is a device's n-th. */
  readonly indexOf: (device: number, n: number) => number;
}

/** @throws {RangeError} where a source's round names a device that it does not have. */
function entryOf<T>(entries: readonly T[], index: number): T {
  const entry = entries[index];
  if (entry === undefined) throw new RangeError(`no entry ${index} of ${entries.length}`);
  return entry;
}

export function deviceOrderOf({ devices, round }: Pick<Source, 'devices' | 'round'>): DeviceOrder {
  const own: number[][] = devices.map(() => []);
  const turns = Array.from(round, (device, position) => {
    const positions = entryOf(own, device);
    return { device, positions, before: positions.push(position) - 1 };
  });
  const turnOf = (index: number) => entryOf(turns, index % turns.length);
  return {
    deviceOf: (index) => turnOf(index).device,
    numberOf(index) {
      const { positions, before } = turnOf(index);
      return Math.floor(index / round.length) * positions.length + before;
    },
    indexOf(device, n) {
      const positions = entryOf(own, device);
      return Math.floor(n / positions.length) * round.length + entryOf(positions, n % positions.length);
    },
  };
}
