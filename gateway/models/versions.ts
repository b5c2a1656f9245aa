import { z } from 'zod';
import type { Registry } from '../../core/model/registry/port.ts';

export const versionSchema = z
  .strictObject({
    version: z.int(),
    aliases: z.array(z.string()),
    created: z.string(),
    accuracy: z.number(),
    f1: z.number().describe('macro F1: the mean over the classes'),
    on: z.string().describe('what it was scored on: `holdout`, `test` or `import`'),
    rows: z.int().describe('rows that it was scored on'),
    task: z.string().nullable().describe('the task that made it'),
  })
  .meta({ title: 'Version' });
export type VersionView = z.infer<typeof versionSchema>;

/** The newest versions, ascending. */
export async function versionsOf(registry: Registry, most = 100): Promise<VersionView[]> {
  const [versions, aliases] = await Promise.all([registry.versions(), registry.aliases()]);
  return await Promise.all(
    versions.slice(-most).map(async (version) => {
      const { created, metrics, lineage } = await registry.manifest(version);
      const { accuracy, f1, on, rows } = metrics;
      const named = [...aliases].filter(([, target]) => target === version).map(([name]) => name);
      return { version, aliases: named, created, accuracy, f1, on, rows, task: taskOf(lineage.options) };
    }),
  );
}

const taskOf = ({ task }: Readonly<Record<string, unknown>>): string | null => (typeof task === 'string' ? task : null);

/** The version that a task made, if it came so far. */
export async function versionOfTask(registry: Registry, task: string): Promise<VersionView | undefined> {
  const versions = await versionsOf(registry);
  return versions.findLast((version) => version.task === task);
}
