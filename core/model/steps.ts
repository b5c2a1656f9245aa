import { buildChain, type Chain, type OwnSteps } from '../steps/chain.ts';
import { codeHashOf } from '../steps/load.ts';
import type { StepSpec } from '../steps/registry.ts';
import { parseDuration } from '../wire/duration.ts';
import { GaplineError } from '../wire/errors.ts';

const hourNs = 3_600e9;

/** What a manifest states of them. */
export interface StepParts {
  readonly fields: readonly string[];
  readonly channels?: readonly string[] | undefined;
  readonly steps?: readonly StepSpec[] | undefined;
}

/** The steps of a model: they make its rows of readings. */
export interface ModelSteps {
  /** The values of a reading that they take, in order. */
  readonly channels: readonly string[];
  readonly chain: Chain;
  /** As the manifest states them. */
  readonly specs: readonly StepSpec[];
  /** How long after a sample's time, in event time of its device, a row may still be made of it. */
  readonly reachNs: number;
  /**
   * A device that was silent for so long, in the event time of its partition, no longer keeps an earlier model at work: an hour, what one
   * wrong clock may be ahead, and as long as rows wait for their facts.
   */
  readonly silenceNs: number;
  /** Equal for two models whose steps give the same rows of the same readings, and may take over each other's state. */
  readonly signature: string;
  /** The same of each step before the window, or of all where there is none. */
  readonly sampleSteps: readonly string[];
}

/**
 * Opens the steps of a manifest; undefined where a row is a reading.
 * @throws {GaplineError} `config-invalid` for a step that cannot be made, `model-invalid` where the rows are not those of the model
 */
export function openSteps({ fields, channels, steps }: StepParts, own?: OwnSteps): ModelSteps | undefined {
  if (!steps || steps.length === 0 || !channels) return undefined;
  const chain = buildChain(steps, channels, own);
  const given = chain.shape.channels;
  if (given.length !== fields.length || given.some((name, column) => name !== fields[column])) {
    const detail = `its steps give ${given.length} columns that are not its ${fields.length} fields`;
    throw new GaplineError('model-invalid', detail, { retryable: false });
  }
  const reachNs = (chain.shape.windows?.lengthNs ?? 0) + delayOf(steps, ['grace', 'maxGap']);
  const silenceNs = hourNs + (chain.aheadNs ?? 0) + delayOf(steps, ['lateness']);
  const codeOf = ({ use }: StepSpec) => {
    const definition = own?.get(use);
    return definition ? [codeHashOf(definition)] : [];
  };
  const code = steps.flatMap(codeOf);
  const window = steps.findIndex(({ use }) => use === 'window');
  const before = window < 0 ? steps : steps.slice(0, window);
  const sampleSteps = before.map((step) => JSON.stringify([step, ...codeOf(step)]));
  const signature = JSON.stringify(code.length > 0 ? [channels, steps, code] : [channels, steps]);
  return { channels, chain, specs: steps, reachNs, silenceNs, signature, sampleSteps };
}

/** How long steps may hold a sample back, by the parameters that say so. */
function delayOf(steps: readonly Readonly<Record<string, unknown>>[], parameters: readonly string[]): number {
  const waits = steps.flatMap((step) => parameters.map((parameter) => step[parameter]));
  return waits.reduce<number>((sum, wait) => sum + ((typeof wait === 'string' && parseDuration(wait)) || 0), 0);
}
