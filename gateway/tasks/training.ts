import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { z } from 'zod';
import { endProcess } from '../../core/stage/end-process.ts';
import { validate } from '../../core/wire/validate.ts';
import { trainingSchema } from '../../training/options.ts';
import type { Streams } from '../models/served.ts';
import { versionOfTask, versionSchema } from '../models/versions.ts';
import { untilRegistryResponds } from './registry-wait.ts';
import { ProcessDied, type Work } from './runner.ts';
import type { Task } from './tasks.ts';

/** The options of a training, all of which may be left out: then those of stream.yaml hold. */
export const hyperparametersSchema = z.strictObject(
  Object.fromEntries(Object.entries(trainingSchema.shape).map(([name, field]) => [name, withoutDefault(field)])),
);

/** A default would take the place of what stream.yaml says. */
function withoutDefault(field: z.ZodType): z.ZodType {
  const inner = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field;
  const { description } = field;
  return description === undefined ? inner.optional() : inner.optional().describe(description);
}

export const trainRequestSchema = z.strictObject({
  from: z
    .enum(['data', 'archive'])
    .default('data')
    .describe('the data set of stream.yaml, or readings with truth of the archive'),
  range: z
    .string()
    .regex(/^[\w.:+-]{1,80}$/, 'such as -7d, or FROM..TO in RFC 3339')
    .default('-7d')
    .describe('of the archive'),
  hyperparameters: hyperparametersSchema.default({}).describe('as `training` of stream.yaml; default: what that says'),
});
export type TrainRequest = z.infer<typeof trainRequestSchema>;

/** What a training shows that waits for its registry. */
export const waiting = (attempt: number) => ({
  step: 'wait',
  of: 'attempts to reach the registry',
  done: attempt,
  all: attempt,
});

/** What the process of a training sends. */
export const messageSchema = z.union([
  z.strictObject({ progress: z.looseObject({ step: z.string(), of: z.string(), done: z.number(), all: z.number() }) }),
  z.strictObject({ made: z.int().describe('the version') }),
  z.strictObject({ failed: z.string().describe('why') }),
]);
export type TrainingMessage = z.infer<typeof messageSchema>;

export const trainResultSchema = z
  .strictObject({ ...versionSchema.shape, champion: z.int().nullable().describe('the version that serves') })
  .meta({ title: 'TrainResult' });

/** A program with its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

export interface TrainingWorkOptions {
  readonly streams: Streams;
  /** Trains in a process of its own, that speaks {@link TrainingMessage} over Node's IPC, and ends when that is closed. */
  readonly command: (task: Task, request: TrainRequest) => Command;
}

/** After this a process that was told to end is killed. */
const graceMs = 3_000;

/** Trains in a process of its own, of low priority: predictions go first. */
export function createTrainingWork({ streams, command }: TrainingWorkOptions): Work {
  return {
    async run(task, { signal, onProgress }) {
      const { models } = streams.get(task.stream).stream;
      const outcome = await runProcess(command(task, trainRequestSchema.parse(task.request)), signal, onProgress);
      // Whatever became of the process, the version tells whether the work was done.
      const result = await untilRegistryResponds(
        async () => {
          const made = await versionOfTask(models, task.id);
          return made && { ...made, champion: (await models.resolve('champion')) ?? null };
        },
        { signal, onWait: (attempt) => onProgress(waiting(attempt)) },
      );
      if (result) return result;
      if (outcome.failed !== undefined) throw new Error(outcome.failed);
      throw new ProcessDied(`the process of the training ended by ${outcome.ended}, and made no version`);
    },
  };
}

interface Outcome {
  readonly failed: string | undefined;
  readonly ended: string;
}

async function runProcess(
  { program, args }: Command,
  signal: AbortSignal,
  onProgress: (progress: unknown) => void,
): Promise<Outcome> {
  if (signal.aborted) return { failed: undefined, ended: 'request' };
  // What it prints is for nobody; its errors belong to the log of the gateway.
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let failed: string | undefined;
  child.on('message', (message) => {
    const { success, data } = validate(messageSchema, message);
    if (!success) return;
    if ('progress' in data) onProgress(data.progress);
    if ('failed' in data) failed = data.failed;
  });
  child.on('spawn', () => lowerPriority(child.pid));
  const closed = once(child, 'close');
  const end = (): void => void endProcess((by) => child.kill(by), closed, graceMs).catch(() => {});
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code, by] = (await closed) as [number | null, NodeJS.Signals | null];
    return { failed, ended: by ?? `code ${code}` };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It has ended already, or the system does not allow it: the training is as right without.
  }
}
