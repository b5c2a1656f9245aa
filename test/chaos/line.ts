import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../servers/process.ts';
import { gapline } from './gapline.ts';
import { asPart, type Part, type ProcessPart, startStage } from './parts.ts';
import { HttpProxy } from './proxies/http-proxy.ts';
import { root, type StreamCase } from './streams.ts';
import type { Undo } from './undo.ts';
import { Clerk } from './ward/clerk.ts';
import { Witness } from './witness.ts';

/** The stages of one stream in processes of their own, and its devices behind a proxy. */
export interface Line {
  readonly case: StreamCase;
  readonly collector: ProcessPart;
  readonly classifier: Part;
  readonly archive: Part;
  /** The devices; they wait for the collector however long it takes. */
  readonly generator: Part;
  readonly devices: HttpProxy;
  /** Who tells the facts, where the stream takes some. */
  readonly clerk: Clerk | undefined;
  readonly witness: Witness;
  readonly ledger: string;
  readonly collectorUrl: string;
  readonly spoolFile: string;
  readonly models: string;
  /** Readings that sat in what the campaign damaged. */
  readonly excused: Set<string>;
  /** Records that the campaign put into the readings topic itself. */
  readonly planted: Set<string>;
  /** Telegraf's inputs for the stream. */
  readonly inputs: string;
  /** Another classifier beside the first. */
  addClassifier(): Promise<Part>;
  /** Runs `gapline` with arguments that know the stream and its models. */
  command(...args: readonly string[]): Promise<string>;
}

/** `collector.acknowledge` of the line. */
export const acknowledgeChoices = ['log', 'disk'] as const;
export type Acknowledge = (typeof acknowledgeChoices)[number];

export interface LineOptions {
  readonly case: StreamCase;
  /** Of the campaign. */
  readonly folder: string;
  readonly logs: string;
  /** Readings a second. */
  readonly rate: number;
  /** Processes of the collector that take readings. */
  readonly workers: number;
  readonly acknowledge: Acknowledge;
  /** Decides which facts come, and when. */
  readonly seed: number;
  readonly logUrl: string;
  /** The store, as `--store` takes it. */
  readonly storeUrl: string;
  readonly env: Readonly<Record<string, string>>;
  /** The folder of the Gapline that is started; another one after a newer version was rolled in. */
  readonly from: () => string;
  readonly tell: (line: string) => void;
}

/** Not of facts. */
const isOfReadings = (path: string) => path.startsWith('/readings');

const probed = /health and metrics: /;

/** Trains versions of the model, then starts the stages and the devices. */
export async function startLine(options: LineOptions, undo: Undo): Promise<Line> {
  const { folder, logs, rate, workers, acknowledge, seed, logUrl, storeUrl, env, from, tell } = options;
  const { stream, config, overrides, flow, makeModels } = options.case;
  const models = join(folder, 'models', stream);
  await mkdir(models, { recursive: true });
  const set = (all: readonly string[]) => all.flatMap((each) => ['--set', each]);
  const own = ['--config', config, ...set([`model.folder=${models}`, ...overrides(folder)])];
  const command = (...args: readonly string[]) => gapline(root, [...args, ...own]);
  await makeModels(folder, models, (...training) => command('train', ...set(training)));

  let classifiers = 0;
  async function stage(name: string, args: readonly string[], port: number, ready: RegExp): Promise<ProcessPart> {
    const all = [...args, ...own, '--log', logUrl, '--log-level', 'warn', '--port', String(port)];
    // Both collectors keep their spools on the same disk.
    const data = ['--data', join(folder, name)];
    const handle = await startStage({
      ...{ name: `${name}-${stream}`, root: from, args: [...all, ...data], env, logs, ready },
    });
    undo.add(() => handle.stop());
    return asPart(handle, tell);
  }
  async function addClassifier(): Promise<Part> {
    classifiers += 1;
    const name = classifiers === 1 ? 'classifier' : `classifier-${classifiers}`;
    return stage(name, ['classify'], await freePort(), probed);
  }
  const collectorPort = await freePort();
  const collectorUrl = `http://127.0.0.1:${collectorPort}`;
  const collect = [
    'collect',
    '--no-archive',
    '--workers',
    String(workers),
    ...set([`collector.acknowledge=${acknowledge}`]),
  ];
  const collector = await stage('collector', collect, collectorPort, /collector: http/);
  const archive = await stage('archive', ['archive', '--store', storeUrl], await freePort(), probed);
  const classifier = await addClassifier();
  const inputs = await command('telegraf-config', '--log', logUrl);

  const witness = new Witness();
  const devices = new HttpProxy({
    target: collectorUrl,
    arrived: (body, path) => isOfReadings(path) && witness.arrived(body),
    passed: (passed) => isOfReadings(passed.path) && witness.passed(passed),
  });
  await devices.start();
  undo.add(() => devices.stop());
  const ledger = join(folder, `${stream}.ledger.ndjson`);
  const to = ['--to', devices.url, '--ledger', ledger, '--data', join(folder, 'generator'), '--log-level', 'warn'];
  const handle = await startStage({
    ...{ name: `generator-${stream}`, root: () => root, args: ['generate', ...own, ...to, ...set(flow(rate))] },
    ...{ env: {}, logs, ready: /^/ },
  });
  undo.add(() => handle.stop());
  const clerk = options.case.name === 'facts' ? new Clerk(devices.url, seed) : undefined;
  clerk?.start();
  undo.add(async () => clerk?.abandon());
  return {
    ...{ case: options.case, collector, classifier, archive, generator: asPart(handle, tell) },
    ...{
      devices,
      clerk,
      witness,
      ledger,
      collectorUrl,
      models,
      excused: new Set(),
      planted: new Set(),
      inputs,
      addClassifier,
      command,
    },
    spoolFile: join(folder, 'collector', `${stream}.spool.db`),
  };
}
