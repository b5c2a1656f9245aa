import { impurityByField } from '../core/model/importance.ts';
import type { Registry } from '../core/model/registry/port.ts';
import type { DescribeVersion } from '../dashboard/app.ts';

const fieldsShown = 10;
/** A promotion changes two of them at a time. */
const mostKept = 16;

/** What the live page shows of a version. Versions never change, so each is read once. */
export function versionDescriber(modelsOf: () => Registry): DescribeVersion {
  let of: Registry | undefined;
  let known = new Map<number, Awaited<ReturnType<DescribeVersion>>>();
  return async (version) => {
    const models = modelsOf();
    if (models !== of) known = new Map();
    of = models;
    const found = known.get(version);
    if (found) return found;
    if (!(await models.versions()).includes(version)) return undefined;
    const view = await readView(models, version);
    known.set(version, view);
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size > mostKept) known.delete(oldest);
    return view;
  };
}

async function readView(models: Registry, version: number) {
  const manifest = await models.manifest(version);
  const shares = manifest.importance ?? (await impurityByField(await models.artifact(version)));
  const ranked = shares
    ?.map((share, at) => ({ name: manifest.fields[at] ?? '', share }))
    .sort((a, b) => b.share - a.share)
    .slice(0, fieldsShown);
  return { version, estimator: estimatorName(manifest), importance: ranked ?? null };
}

function estimatorName({ estimator, lineage }: Awaited<ReturnType<Registry['manifest']>>): string {
  if (estimator.kind === 'snapshots') return 'snapshot ensemble';
  if (estimator.kind !== 'forest') return estimator.kind;
  if (estimator.file.endsWith('.onnx')) return 'ONNX trees';
  return 'boosted' in lineage.options ? 'boosted trees' : 'forest';
}
