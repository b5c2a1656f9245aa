import { compareTimes } from '../core/wire/time.ts';

/**
 * Finds a device and time that occur twice in one request. Devices send their readings in order of time, and as long as they do, the last
 * time of each device says that a later one is new.
 */
export class IdentityCheck {
  readonly #latest = new Map<string, string>();
  readonly #devices: string[] = [];
  readonly #times: string[] = [];
  /** All identities, once a device has sent an earlier time after a later one. */
  #all: Set<string> | undefined;

  /** Whether the identity occurred before; then it is known. */
  has(device: string, time: string): boolean {
    if (this.#all !== undefined) return this.#hasBefore(this.#all, device, time);
    const latest = this.#latest.get(device);
    if (latest === time) return true;
    if (latest !== undefined && compareTimes(time, latest) < 0) {
      this.#all = new Set(this.#devices.map((each, index) => `${each}\n${this.#times[index]}`));
      return this.#hasBefore(this.#all, device, time);
    }
    this.#latest.set(device, time);
    this.#devices.push(device);
    this.#times.push(time);
    return false;
  }

  #hasBefore(all: Set<string>, device: string, time: string): boolean {
    const before = all.size;
    all.add(`${device}\n${time}`);
    return all.size === before;
  }
}
