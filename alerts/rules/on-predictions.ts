import type { StoredRecord } from '../../core/log/port.ts';
import type { Prediction } from '../../core/wire/prediction.ts';
import type { Stream } from '../../core/wire/stream.ts';
import type { AlertDetails } from './message.ts';
import type { PredictionRule } from './rule.ts';
import type { RuleDraft } from './rule-book.ts';

const decoder = new TextDecoder();
const nanoseconds = /^-?\d{1,19}$/;

/** Lets predictions decide, in the order of the log. What is no prediction of the stream decides nothing. */
export function judgePredictions(
  { name, fields }: Stream,
  records: readonly StoredRecord[],
  draft: RuleDraft<PredictionRule>,
): void {
  for (const record of records) {
    const prediction = predictionIn(record.value);
    if (prediction?.stream !== name) continue;
    const at = BigInt(prediction.time);
    const received = BigInt(prediction.received);
    for (const each of draft.rules) {
      const { matches, details } = judge(each.rule, prediction, fields.length);
      draft.step(each, record, { subject: prediction.device, matches, at, received, details });
    }
  }
}

function judge(rule: PredictionRule, prediction: Prediction, fieldCount: number) {
  const { label, probability, model } = prediction;
  const common: AlertDetails = { label, probability, model: { name: model.name, version: model.version } };
  if (rule.kind === 'label')
    return { matches: rule.labels.has(label) && probability >= rule.probability, details: common };
  const share = shareOfGaps(prediction, fieldCount);
  return { matches: share >= rule.share, details: { ...common, value: share } };
}

/** Of the values of a reading; of a window, of its samples in all channels. */
function shareOfGaps({ gaps, samples, missing }: Prediction, fieldCount: number): number {
  const [lost, all] = missing === undefined || !samples ? [gaps, fieldCount] : [missing, samples * fieldCount];
  return all === 0 ? 0 : Math.min(1, lost / all);
}

/** What rules look at is checked; the rest is left as it is, because each prediction of the stream passes here. */
function predictionIn(value: Uint8Array): Prediction | undefined {
  let json: unknown;
  try {
    json = JSON.parse(decoder.decode(value));
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null) return undefined;
  const { stream, device, time, received, label, probability, gaps, model } = json as Partial<Prediction>;
  const isOne =
    typeof stream === 'string' &&
    typeof device === 'string' &&
    device !== '' &&
    typeof time === 'string' &&
    nanoseconds.test(time) &&
    typeof received === 'string' &&
    nanoseconds.test(received) &&
    typeof label === 'string' &&
    typeof probability === 'number' &&
    typeof gaps === 'number' &&
    typeof model?.name === 'string' &&
    Number.isInteger(model.version);
  return isOne ? (json as Prediction) : undefined;
}
