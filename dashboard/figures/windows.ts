import { isSamples } from '../../core/wire/decode-samples.ts';
import type { Reading } from '../../core/wire/reading.ts';
import type { Samples } from '../../core/wire/samples.ts';
import type { Segments } from '../../core/wire/stream.ts';
import type { WindowDevices, WindowView } from '../events.ts';
import { DeviceSamples, isWindow, segmentWindow } from './device-samples.ts';
import type { SeenPrediction } from './records.ts';
import { viewWindow } from './window-view.ts';

/** Values kept over all devices: 16 MB. Then the device that has been silent for longest is forgotten. */
const mostValues = 2_000_000;
/** Devices kept, however little each holds. */
const mostDevices = 10_000;
/** A device that a page looked at so recently is not forgotten. */
const lookedAtMs = 30_000;
/** Devices that a page can choose from. */
const listed = 200;

export interface WindowsOptions {
  /** Default: the clock, in milliseconds. */
  readonly now?: () => number;
  /** Values that are kept at most. */
  readonly most?: number;
  /** Where readings are whole segments. */
  readonly segments?: Segments | undefined;
}

/** The last windows of devices and the samples they were cut from; empty for a stream whose model labels readings of one time. */
export class Windows {
  readonly #fields: readonly string[];
  readonly #segments: Segments | undefined;
  /** What a page chooses from: the fields, or the channels of segments. */
  readonly #shown: readonly string[];
  /** The device that spoke last stands last. */
  readonly #devices = new Map<string, DeviceSamples>();
  readonly #lookedAt = new Map<string, number>();
  readonly #now: () => number;
  readonly #mostValues: number;
  #weight = 0;
  #seen = false;
  #list: string[] | undefined;

  constructor(fields: readonly string[], { now = Date.now, most = mostValues, segments }: WindowsOptions = {}) {
    this.#fields = fields;
    this.#segments = segments;
    this.#shown = segments?.channels ?? fields;
    this.#now = now;
    this.#mostValues = most;
  }

  /** Readings are kept once it is known that there are windows; records of samples always. */
  takeRecord(record: Reading | Samples): void {
    if (!this.#seen && !this.#segments && !isSamples(record)) return;
    this.#change(record.device, (device) => device.takeRecord(record));
  }

  takePrediction(prediction: SeenPrediction): void {
    const window = this.#segments && !isWindow(prediction) ? segmentWindow(prediction, this.#segments) : prediction;
    if (!isWindow(window)) return;
    if (!this.#devices.get(window.device)?.windows.length) this.#list = undefined;
    this.#seen = true;
    this.#change(window.device, (device) => device.takeWindow(window));
  }

  /** What a page chooses from: devices of which there is a window to show; null until a window was labelled. */
  devices(): WindowDevices | null {
    if (!this.#seen) return null;
    this.#list ??= [...this.#devices]
      .flatMap(([name, { windows }]) => (windows.length > 0 ? [name] : []))
      .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    return { names: this.#list.slice(0, listed), count: this.#list.length, fields: this.#shown };
  }

  /** The last window of a device whose samples were read, one field of it; undefined where there is none. */
  view(name: string, field: string): WindowView | undefined {
    const device = this.#devices.get(name);
    const index = this.#shown.indexOf(field);
    if (!device || index < 0 || device.windows.length === 0) return undefined;
    this.#lookedAt.delete(name);
    this.#lookedAt.set(name, this.#now());
    const [oldest] = this.#lookedAt.keys();
    if (oldest !== undefined && this.#lookedAt.size > listed) this.#lookedAt.delete(oldest);
    return viewWindow(device, field, index);
  }

  #change(name: string, change: (device: DeviceSamples) => void): void {
    let device = this.#devices.get(name);
    if (device) this.#devices.delete(name);
    else device = new DeviceSamples(this.#fields, this.#segments);
    this.#devices.set(name, device);
    this.#weight -= device.weight;
    change(device);
    this.#weight += device.weight;
    this.#forgetSilent();
  }

  #forgetSilent(): void {
    if (this.#weight <= this.#mostValues && this.#devices.size <= mostDevices) return;
    const since = this.#now() - lookedAtMs;
    for (const [name, device] of this.#devices) {
      if (this.#weight <= this.#mostValues && this.#devices.size <= mostDevices) return;
      if ((this.#lookedAt.get(name) ?? 0) > since) continue;
      this.#devices.delete(name);
      this.#weight -= device.weight;
      this.#list = undefined;
    }
  }
}
