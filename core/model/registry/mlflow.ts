import { backoffMs } from '../../retry/backoff.ts';
import { sleep } from '../../retry/sleep.ts';
import { GaplineError } from '../../wire/errors.ts';
import { type ArtifactSource, type Draft, encodeArtifact, invalidModel, mostPartBytes } from '../artifact.ts';
import type { ModelIdentity } from '../model.ts';
import { type Move, readMove } from './history.ts';
import { type MlflowAddress, MlflowRefusal, MlflowRest } from './mlflow-rest.ts';
import { figuresOf } from './mlflow-run.ts';
import { type MlflowVersion, readResponse, responses } from './mlflow-schema.ts';
import { openEngine, type ServingOptions } from './open.ts';
import type { Registry, RegistryEngine } from './port.ts';
import { picturesOf } from './run-pictures.ts';

export interface MlflowOptions extends MlflowAddress, ServingOptions {
  /** Where runs are logged. Default: the model's name. */
  readonly experiment?: string;
}

/** Opens the registry of one model in MLflow. Nothing is asked until a method is called. */
export function openMlflow(options: MlflowOptions): Registry {
  return openEngine(new MlflowEngine(options), options);
}

/** The folder of a run that holds the version. */
const modelFolder = 'model';
const pictureFolder = 'pictures';
/** MLflow takes no more metrics in one request. */
const mostMetrics = 500;
/** Tags of a version: when it became the champion. */
const moveTag = 'gapline.served.';

const isRefusal = (error: unknown, ...codes: string[]): boolean =>
  error instanceof MlflowRefusal && codes.includes(error.errorCode);

/** The files of one version. */
interface VersionFiles {
  /** The address of their folder. */
  readonly uri: string;
  /** Reads one as MLflow's page does: {@link MlflowRest.attachment}. */
  readonly attached: (name: string) => Promise<Uint8Array | undefined>;
}

class MlflowEngine implements RegistryEngine {
  readonly #rest: MlflowRest;
  readonly #name: string;
  readonly #experiment: string;

  constructor({ name, experiment = name, ...address }: MlflowOptions) {
    this.#rest = new MlflowRest(address);
    this.#name = name;
    this.#experiment = experiment;
  }

  get title(): string {
    return `the model ${this.#name} of MLflow at ${this.#rest.url}`;
  }

  placeOf(version: number): string {
    return `${this.#rest.url}/#/models/${encodeURIComponent(this.#name)}/versions/${version}`;
  }

  async versions(): Promise<number[]> {
    return (await this.#versions()).map(({ version }) => version).sort((a, b) => a - b);
  }

  async aliases(): Promise<Map<string, number>> {
    try {
      const json = await this.#rest.get('registered-models/get', { name: this.#name });
      const { aliases } = readResponse(responses.model, json, 'registered-models/get').registered_model;
      return new Map(aliases.map(({ alias, version }) => [alias, version]));
    } catch (error) {
      if (isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) return new Map();
      throw error;
    }
  }

  /** Out of all of them: asked for one that is unknown, MLflow responds with 400, as to a name that cannot be one. */
  async alias(wanted: string): Promise<number | undefined> {
    return (await this.aliases()).get(wanted);
  }

  async versionOfRun(id: string): Promise<number | undefined> {
    const found = await this.#versions(`name=${quoted(this.#name)} and run_id='${id}'`);
    return found.map(({ version }) => version).sort((a, b) => b - a)[0];
  }

  async setAlias(alias: string, version: number): Promise<void> {
    const body = { name: this.#name, alias, version: String(version) };
    await retried(() => this.#rest.send('POST', 'registered-models/alias', body));
  }

  async removeAlias(alias: string): Promise<void> {
    try {
      await retried(() => this.#rest.send('DELETE', 'registered-models/alias', { name: this.#name, alias }));
    } catch (error) {
      if (!isRefusal(error, 'RESOURCE_DOES_NOT_EXIST', 'INVALID_PARAMETER_VALUE')) throw error;
    }
  }

  async source(version: number): Promise<ArtifactSource> {
    const json = await this.#rest.get('model-versions/get', { name: this.#name, version: String(version) });
    const { source } = readResponse(responses.version, json, 'model-versions/get').model_version;
    const place = this.placeOf(version);
    const files = await this.#filesOf(version, source);
    const read = (name: string) => this.#read(place, files, name);
    return { place, identity: { name: this.#name, version }, read };
  }

  /** A run, its figures and files, and a version out of it. A run that was cut off is no version. */
  async publish(draft: Draft): Promise<ModelIdentity> {
    const { run_id: runId, artifact_uri: uri } = await this.#startRun(draft);
    try {
      const home = proxied(uri);
      if (home === undefined) {
        const detail = `MLflow at ${this.#rest.url} keeps artifacts at ${uri}, which it does not serve; start it with --serve-artifacts`;
        throw new GaplineError('registry-refused', detail, { retryable: false });
      }
      for (const [name, bytes] of encodeArtifact(draft))
        await retried(() => this.#rest.upload(`${home}/${modelFolder}/${name}`, bytes));
      for (const [name, picture] of await picturesOf(draft))
        await retried(() => this.#rest.upload(`${home}/${pictureFolder}/${name}`, Buffer.from(picture)));
      const version = await this.#register(runId, `${uri}/${modelFolder}`);
      await this.#endRun(runId, 'FINISHED');
      return { name: this.#name, version };
    } catch (error) {
      // It says what the run page shows; what went wrong is the error itself.
      await this.#rest.send('POST', 'runs/update', { run_id: runId, status: 'FAILED' }).catch(() => {});
      throw error;
    }
  }

  async record(move: Move): Promise<void> {
    const key = `${moveTag}${Date.parse(move.at)}`;
    const body = { name: this.#name, version: String(move.to), key, value: JSON.stringify(move) };
    await retried(() => this.#rest.send('POST', 'model-versions/set-tag', body));
  }

  async history(): Promise<Move[]> {
    const tags = (await this.#versions()).flatMap((version) => version.tags);
    return tags.filter(({ key }) => key.startsWith(moveTag)).flatMap(({ value }) => readMove(value) ?? []);
  }

  async #versions(filter = `name=${quoted(this.#name)}`): Promise<MlflowVersion[]> {
    const found: MlflowVersion[] = [];
    for (let token = ''; ; ) {
      const query = { filter, max_results: '200', ...(token && { page_token: token }) };
      const json = await this.#rest.get('model-versions/search', query);
      const page = readResponse(responses.versions, json, 'model-versions/search');
      found.push(...page.model_versions.filter(({ status }) => status === 'READY'));
      token = page.next_page_token ?? '';
      if (token === '') return found;
    }
  }

  /** Where the files are that a version's source names. */
  async #filesOf(version: number, source: string): Promise<VersionFiles> {
    const [, runId, inRun = ''] = /^runs:\/+([^/]+)\/?(.*)$/.exec(source) ?? [];
    const loggedModel = /^models:\/+(m-[^/]+)$/.exec(source)?.[1];
    const ofVersion = { name: this.#name, version: String(version) };
    const attached = (path: string) =>
      this.#rest.attachment('model-versions/get-artifact', { ...ofVersion, path }, mostPartBytes);
    if (runId !== undefined) {
      const json = await this.#rest.get('runs/get', { run_id: runId });
      const uri = `${readResponse(responses.run, json, 'runs/get').run.info.artifact_uri}/${inRun}`;
      // Asked for the version, MLflow fails at a source that names a run.
      const ofRun = (path: string) => ({ run_id: runId, path: inRun === '' ? path : `${inRun}/${path}` });
      return { uri, attached: (name) => this.#rest.attachment('get-artifact', ofRun(name), mostPartBytes) };
    }
    if (loggedModel === undefined) return { uri: source, attached };
    const json = await this.#rest.get(`logged-models/${encodeURIComponent(loggedModel)}`, {});
    return { uri: readResponse(responses.loggedModel, json, 'logged-models').model.info.artifact_uri, attached };
  }

  /** As MLflow's page reads it; where that fails, through the proxy of artifacts. */
  async #read(place: string, { uri, attached }: VersionFiles, name: string): Promise<Uint8Array> {
    const bytes = await attached(name);
    if (bytes) return bytes;
    const home = proxied(uri);
    if (home === undefined) {
      const detail = `${name} is missing, or MLflow does not reach its files at ${uri}; start it with --serve-artifacts`;
      throw invalidModel(place, detail);
    }
    try {
      return await this.#rest.download(`${home}/${name}`, mostPartBytes);
    } catch (error) {
      // A file that is missing is 500, as a failure of the server is: the list of files tells them apart.
      const json = await this.#rest.list(home).catch(() => undefined);
      if (json === undefined) throw error;
      const { files } = readResponse(responses.files, json, 'mlflow-artifacts');
      if (files.some((file) => file.path.split('/').at(-1) === name)) throw error;
      throw invalidModel(place, `${name} is missing`, error);
    }
  }

  async #startRun({ manifest }: Draft) {
    const experiment_id = await retried(() => this.#experimentId());
    const started = Date.parse(manifest.created);
    const json = await retried(() =>
      this.#rest.send('POST', 'runs/create', {
        experiment_id,
        run_name: `${this.#name} ${manifest.created}`,
        start_time: started,
        tags: [
          { key: 'mlflow.source.name', value: 'gapline train' },
          { key: 'gapline.model', value: this.#name },
        ],
      }),
    );
    const { info } = readResponse(responses.run, json, 'runs/create').run;
    const { params, metrics } = figuresOf(manifest);
    await this.#logBatch({ run_id: info.run_id, params });
    for (let first = 0; first < metrics.length; first += mostMetrics) {
      const some = metrics.slice(first, first + mostMetrics).map((metric) => ({ ...metric, timestamp: started }));
      await this.#logBatch({ run_id: info.run_id, metrics: some });
    }
    return info;
  }

  async #logBatch(body: object): Promise<void> {
    await retried(() => this.#rest.send('POST', 'runs/log-batch', body));
  }

  async #endRun(run_id: string, status: 'FINISHED'): Promise<void> {
    await retried(() => this.#rest.send('POST', 'runs/update', { run_id, status, end_time: Date.now() }));
  }

  async #experimentId(): Promise<string> {
    try {
      const json = await this.#rest.get('experiments/get-by-name', { experiment_name: this.#experiment });
      return readResponse(responses.experiment, json, 'experiments/get-by-name').experiment.experiment_id;
    } catch (error) {
      if (!isRefusal(error, 'RESOURCE_DOES_NOT_EXIST')) throw error;
    }
    try {
      const json = await this.#rest.send('POST', 'experiments/create', { name: this.#experiment });
      return readResponse(responses.newExperiment, json, 'experiments/create').experiment_id;
    } catch (error) {
      // Another training was faster.
      if (isRefusal(error, 'RESOURCE_ALREADY_EXISTS')) return await this.#experimentId();
      throw error;
    }
  }

  /** After an unknown outcome the version that is there already is taken, so none is made twice. */
  async #register(run_id: string, source: string): Promise<number> {
    try {
      await retried(() => this.#rest.send('POST', 'registered-models/create', { name: this.#name }));
    } catch (error) {
      if (!isRefusal(error, 'RESOURCE_ALREADY_EXISTS')) throw error;
    }
    let tried = false;
    return await retried(async () => {
      const [made] = tried ? await this.#versions(`run_id='${run_id}'`) : [];
      if (made) return made.version;
      tried = true;
      const json = await this.#rest.send('POST', 'model-versions/create', { name: this.#name, source, run_id });
      return readResponse(responses.version, json, 'model-versions/create').model_version.version;
    });
  }
}

/** As MLflow's filters take a text: they know no escapes, but two kinds of quotation marks. */
const quoted = (text: string): string => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** The path of `mlflow-artifacts:` addresses, with or without a host; undefined for others. */
function proxied(uri: string): string | undefined {
  const path = /^mlflow-artifacts:(?:\/\/[^/]+)?\/+(.*)$/.exec(uri)?.[1];
  return path?.replace(/\/+$/, '');
}

const mostAttempts = 8;

/** A version that took an hour to train is not lost to a restart of MLflow. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof GaplineError && error.code === 'registry-unavailable';
      if (!passes || attempt === mostAttempts) throw error;
      await sleep(backoffMs({ firstMs: 250, maxMs: 5_000 }, attempt));
    }
  }
}
