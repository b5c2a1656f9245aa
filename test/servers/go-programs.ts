import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtain, obtained, run, type Supply } from './obtain.ts';

/** A program that Go builds from its module. */
export interface GoProgram {
  readonly supply: Supply;
  /** The program, if it was got before. */
  readonly program: () => string | undefined;
  /** The program, got first where it is not there. */
  readonly obtain: () => Promise<string>;
}

function goProgram(name: string, version: string, packagePath: string): GoProgram {
  const supply: Supply = {
    title: `${name} ${version}`,
    folder: `${name}-${version}`,
    ways: [
      {
        title: 'by Go',
        make: (folder, logFile) =>
          run('go', ['install', `${packagePath}@v${version}`], {
            cwd: folder,
            logFile,
            env: { GOFLAGS: '-mod=mod', GOBIN: folder, CGO_ENABLED: '0' },
          }),
      },
    ],
  };
  return {
    supply,
    program() {
      const folder = obtained(supply);
      return folder && join(folder, name);
    },
    obtain: async () => join(await obtain(supply, console.error), name),
  };
}

/** An S3 gateway over a folder, with versions of objects: what object storage is tested on. */
export const versitygw = goProgram('versitygw', '1.8.0', 'github.com/versity/versitygw/cmd/versitygw');
/** Reads the workflows of `.github/` as GitHub does. */
export const actionlint = goProgram('actionlint', '1.7.12', 'github.com/rhysd/actionlint/cmd/actionlint');
/** Renders manifests for Kubernetes. */
export const kustomize = goProgram('kustomize', '5.7.1', 'sigs.k8s.io/kustomize/kustomize/v5');
/** Checks manifests for Kubernetes against schemas. */
export const kubeconform = goProgram('kubeconform', '0.7.0', 'github.com/yannh/kubeconform/cmd/kubeconform');

const kubernetes = '1.34.2';

/** A JSON Schema for each kind of Kubernetes, as kubeconform wants them, made from the OpenAPI document in Kubernetes' own module. */
export const kubernetesSchemas: Supply = {
  title: `schemas of Kubernetes ${kubernetes}`,
  folder: `kubernetes-schemas-${kubernetes}`,
  ways: [
    {
      title: 'from its module of Go',
      async make(folder, logFile) {
        const cache = await mkdtemp(join(tmpdir(), 'gapline-go-'));
        try {
          const env = { GOMODCACHE: cache, GOFLAGS: '-modcacherw' };
          await run('go', ['mod', 'download', `k8s.io/kubernetes@v${kubernetes}`], { cwd: folder, logFile, env });
          const document = join(cache, `k8s.io/kubernetes@v${kubernetes}`, 'api/openapi-spec/swagger.json');
          await writeSchemas(JSON.parse(await readFile(document, 'utf8')).definitions, folder);
        } finally {
          await rm(cache, { recursive: true, force: true });
        }
      },
    },
  ],
};

/** Where kubeconform finds the schemas of {@link kubernetesSchemas} in their folder. */
export const schemasIn = (folder: string): string => join(folder, '{{.ResourceKind}}{{.KindSuffix}}.json');

interface Definition {
  readonly [key: string]: unknown;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly format?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
}

async function writeSchemas(definitions: Readonly<Record<string, Definition>>, folder: string): Promise<void> {
  const all = Object.fromEntries(Object.entries(definitions).map(([name, each]) => [name, strict(name, each)]));
  await writeFile(join(folder, 'definitions.json'), JSON.stringify({ definitions: all }));
  for (const [name, definition] of Object.entries(definitions)) {
    for (const { group, version, kind } of definition['x-kubernetes-group-version-kind'] ?? []) {
      const suffix = [group.split('.', 1)[0], version].filter(Boolean).join('-');
      const file = `${kind}-${suffix}.json`.toLowerCase();
      await writeFile(join(folder, file), JSON.stringify({ $ref: `definitions.json#/definitions/${name}` }));
    }
  }
}

/** OpenAPI lets unknown fields pass, and has no word for a number that may be a string. */
function strict(name: string, definition: Definition): Definition {
  if (definition.format === 'int-or-string') return { type: ['string', 'integer'] };
  if (name.endsWith('.resource.Quantity')) return { type: ['string', 'number'] };
  return definition.properties === undefined ? definition : { ...definition, additionalProperties: false };
}
