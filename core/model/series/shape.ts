/** A window as a row: channel after channel, `length` samples each. */
export interface SeriesShape {
  readonly channels: number;
  readonly length: number;
}
