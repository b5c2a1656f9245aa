import type { Audience } from './audience.ts';
import type { Reader } from './reader.ts';

export interface RoundsOptions {
  /** Bytes that may wait for one reader; one that has more before it is cut off. */
  readonly mostBytes: number;
  readonly cutOff: (reader: Reader) => void;
}

/** Of the time of the process, the share that all readers together may take. */
const dutyShare = 0.1;
/** After so long, the rest of the process has its time. */
const sliceMs = 2;
/** A slice that took long was interrupted by other processes, not by readers. */
const mostRestMs = 100;

/**
 * Sends what is new to readers, in turn, in short slices with long rests: whoever sends readings to the same process hardly waits for them.
 * The more there is to send, the more of it goes into one write.
 */
export class Rounds {
  readonly #options: RoundsOptions;
  /** Those with news, in the order of their turns. */
  readonly #audiences = new Set<Audience>();
  /** Readers that have room again for what is waiting. */
  readonly #resumed = new Set<Reader>();
  /** Those whose turn it is. */
  #turn: Iterator<Reader> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #notBeforeMs = 0;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  wake(audience: Audience): void {
    this.#audiences.add(audience);
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#audiences.clear();
    this.#resumed.clear();
    this.#turn = undefined;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#slice(), Math.max(0, this.#notBeforeMs - performance.now()));
  }

  #slice(): void {
    const beganMs = performance.now();
    this.#turn ??= this.#turns();
    let isDone = false;
    while (!isDone && performance.now() - beganMs < sliceMs) {
      const { value: reader } = this.#turn.next();
      if (reader) this.#send(reader);
      else isDone = true;
    }
    const endedMs = performance.now();
    this.#notBeforeMs = endedMs + Math.min(mostRestMs, (endedMs - beganMs) * (1 / dutyShare - 1));
    // Not before here: until now nobody can have scheduled another slice.
    this.#timer = undefined;
    if (isDone) this.#turn = undefined;
    else this.#schedule();
  }

  /** Those who resume and audiences take turns, until nobody has anything left. */
  *#turns(): Generator<Reader, undefined> {
    while (this.#audiences.size > 0 || this.#resumed.size > 0) {
      const resumed = [...this.#resumed];
      this.#resumed.clear();
      yield* resumed;
      const [audience] = this.#audiences;
      if (audience === undefined) continue;
      this.#audiences.delete(audience);
      audience.parts.seal();
      yield* audience.readers;
    }
  }

  #send(reader: Reader): void {
    const { mostBytes, cutOff } = this.#options;
    if (reader.behindBytes > mostBytes) cutOff(reader);
    else if (reader.sendParts()) this.#resumeLater(reader);
  }

  #resumeLater(reader: Reader): void {
    const resume = () => {
      this.#resumed.add(reader);
      this.#schedule();
    };
    if (reader.room > 0) resume();
    else reader.whenDrained(resume);
  }
}
