import { basename } from 'node:path';
import type { Dataset } from '../core/dataset/dataset.ts';
import type { Draft } from '../core/model/artifact.ts';
import { histogramsOf } from '../core/model/histogram.ts';
import { type Metrics, modelFormat, modelFormatVersion } from '../core/model/manifest.ts';
import type { Model, ModelIdentity } from '../core/model/model.ts';
import { championAlias, type Registry } from '../core/model/registry/port.ts';
import { writeSelfTest } from '../core/model/self-test.ts';
import type { FittedCandidate } from './candidate.ts';
import { hashDataset, type LabelledRows } from './rows.ts';
import { pickSelfTestRows } from './self-test-rows.ts';

export interface DraftInput {
  /** Open, to predict the rows of its self-test. */
  readonly model: Model;
  readonly parts: FittedCandidate['parts'];
  readonly files: Draft['files'];
  /** What it learnt from, and the rows of it. */
  readonly dataset: Dataset;
  readonly rows: LabelledRows;
  readonly metrics: Metrics;
  readonly seed: number;
  readonly options: Record<string, unknown>;
  readonly now?: () => Date;
}

/** Writes the manifest of a model version. */
export async function describeModel(input: DraftInput): Promise<Draft> {
  const { model, parts, files, dataset, rows, metrics, seed, options, now = () => new Date() } = input;
  return {
    files,
    manifest: {
      format: modelFormat,
      formatVersion: modelFormatVersion,
      created: now().toISOString(),
      ...parts,
      metrics,
      selfTest: await writeSelfTest(model, pickSelfTestRows(rows)),
      histograms: histogramsOf(rows, parts.series?.length),
      lineage: {
        data: { source: basename(dataset.file), rows: rows.count, sha256: hashDataset(dataset) },
        seed,
        options,
      },
    },
  };
}

/** A version that was made. */
export interface Published {
  readonly identity: ModelIdentity;
  /** Its folder, or its page. */
  readonly place: string;
  readonly metrics: Metrics;
  /** A reading with more gaps gets the label unknown. */
  readonly maxGaps?: number;
  /** The version that serves after this. */
  readonly champion: number;
}

/** Adds the next version to a registry. It becomes the champion only where there is none. */
export async function publishDraft(draft: Draft, registry: Registry): Promise<Published> {
  return await promoteFirst(draft, await registry.publish(draft), registry);
}

/** Makes a version that was published the champion, only where there is none. */
export async function promoteFirst(draft: Draft, identity: ModelIdentity, registry: Registry): Promise<Published> {
  const champion = (await registry.aliases()).get(championAlias);
  if (champion === undefined) {
    await registry.record({ at: new Date().toISOString(), to: identity.version, by: 'there was none' });
    await registry.point(championAlias, identity.version);
  }
  return {
    identity,
    place: registry.placeOf(identity.version),
    metrics: draft.manifest.metrics,
    ...(draft.manifest.maxGaps !== undefined && { maxGaps: draft.manifest.maxGaps }),
    champion: champion ?? identity.version,
  };
}
