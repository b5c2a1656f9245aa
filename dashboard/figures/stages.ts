import type { Promotion } from '../../core/wire/promotion.ts';
import { type Status, statusSchema } from '../../core/wire/status.ts';
import { validate } from '../../core/wire/validate.ts';
import type { StageFigures } from '../events.ts';
import { parseObject } from './records.ts';

/** A stage reports every two seconds; three reports missed is silence. */
export const silentAfterMs = 6_000;
/** How long one of several members of a stage is missed before it is taken to have left. */
const leftAfterMs = 60_000;
const mostInstances = 64;

interface Member {
  status: Status;
  readonly firstMs: number;
  lastMs: number;
}

/** What the stages report, and which of them have fallen silent. */
export class Stages {
  readonly #members = new Map<string, Member>();

  /** Takes a record of the status topic; false where it is not one. */
  take(bytes: Uint8Array, arrivedMs: number): boolean {
    const parsed = validate(statusSchema, parseObject(bytes));
    if (!parsed.success) return false;
    const status = parsed.data;
    const key = `${status.stage} ${status.instance}`;
    const known = this.#members.get(key);
    if (known) {
      known.status = status;
      known.lastMs = arrivedMs;
    } else {
      if (this.#members.size >= mostInstances) this.#forgetOldest();
      this.#members.set(key, { status, firstMs: arrivedMs, lastMs: arrivedMs });
    }
    return true;
  }

  /** Every member that is missed or reports, by stage along the line. Those that were replaced or have left are forgotten. */
  at(nowMs: number): StageFigures[] {
    for (const [key, member] of this.#members) {
      if (nowMs - member.lastMs > silentAfterMs && this.#isGone(member, nowMs)) this.#members.delete(key);
    }
    const order = statusSchema.shape.stage.options;
    return [...this.#members.values()]
      .sort(
        (a, b) =>
          order.indexOf(a.status.stage) - order.indexOf(b.status.stage) ||
          (a.status.instance < b.status.instance ? -1 : 1),
      )
      .map((member) => figuresOf(member, nowMs));
  }

  /** Records that a stage has not yet taken, over its members that report. */
  lag(stage: Status['stage'], nowMs: number): number | null {
    const lags = [...this.#members.values()]
      .filter((member) => member.status.stage === stage && nowMs - member.lastMs <= silentAfterMs)
      .flatMap((member) => member.status.lag ?? []);
    return lags.length === 0 ? null : Math.max(...lags);
  }

  /** Drift as the classifier sees it that has looked at most readings; null while none has seen enough. */
  drift(nowMs: number): NonNullable<Status['drift']> | null {
    let found: Status['drift'];
    for (const { status, lastMs } of this.#members.values()) {
      if (nowMs - lastMs > silentAfterMs || !status.drift) continue;
      if (!found || status.drift.readings > found.readings) found = status.drift;
    }
    return found ?? null;
  }

  /** The challenger that a classifier reports beside the champion. */
  challenger(): number | null {
    for (const { status } of this.#members.values()) {
      if (status.model?.challenger !== undefined) return status.model.challenger;
    }
    return null;
  }

  /** The last changes of the version that serves, as the classifier knows them that has seen the latest. */
  promotions(): readonly Promotion[] {
    let found: readonly Promotion[] = [];
    for (const { status } of this.#members.values()) {
      const own = status.promotions ?? [];
      if ((own.at(-1)?.at ?? '') > (found.at(-1)?.at ?? '')) found = own;
    }
    return found;
  }

  /** A silent member is gone when another one of its stage came after its last word, or has long gone on without it. */
  #isGone(silent: Member, nowMs: number): boolean {
    for (const other of this.#members.values()) {
      if (other === silent || other.status.stage !== silent.status.stage) continue;
      if (other.firstMs > silent.lastMs) return true;
      if (nowMs - other.lastMs <= silentAfterMs && nowMs - silent.lastMs > leftAfterMs) return true;
    }
    return false;
  }

  #forgetOldest(): void {
    let oldest: [string, Member] | undefined;
    for (const entry of this.#members) {
      if (!oldest || entry[1].lastMs < oldest[1].lastMs) oldest = entry;
    }
    if (oldest) this.#members.delete(oldest[0]);
  }
}

function figuresOf({ status, lastMs }: Member, nowMs: number): StageFigures {
  const silent = nowMs - lastMs > silentAfterMs;
  return {
    stage: status.stage,
    instance: status.instance,
    state: !silent ? 'reporting' : status.stage === 'generator' ? 'quiet' : 'silent',
    seenMs: lastMs,
    counters: status.counters,
    lag: status.lag ?? null,
    spool: status.spool ?? null,
    lastError: status.lastError ?? null,
    unknownFields: status.unknownFields ?? [],
  };
}
