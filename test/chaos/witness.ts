import { identities } from '../line/identities.ts';
import type { Passed } from './proxies/http-proxy.ts';

/** Sees every request of the devices and every answer of the collector: what the line is held to in the end. */
export class Witness {
  /** By identity, whether the last attempt was clearly refused. */
  readonly #refused = new Map<string, boolean>();
  readonly acknowledged = new Set<string>();
  /** How often a device sent an identity again after an attempt that was not clearly refused. */
  readonly resent = new Map<string, number>();

  get sent(): ReadonlySet<string> {
    return new Set(this.#refused.keys());
  }

  arrived(body: Buffer): void {
    for (const identity of identitiesOf(body)) {
      if (this.#refused.get(identity) === false) this.resent.set(identity, (this.resent.get(identity) ?? 0) + 1);
      this.#refused.set(identity, false);
    }
  }

  passed({ body, status }: Pick<Passed, 'body' | 'status'>): void {
    if (status === undefined) return;
    for (const identity of identitiesOf(body)) {
      if (status === 202) this.acknowledged.add(identity);
      else this.#refused.set(identity, true);
    }
  }
}

/** A body of the generator: a reading as JSON, or several as NDJSON. */
function identitiesOf(body: Buffer): string[] {
  const lines = body.toString().split('\n');
  return identities(lines.map((line) => JSON.parse(line) as { device: string; time: string }));
}
