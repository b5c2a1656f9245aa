import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  CellWithViewProperties,
  DashboardsAPI,
  Stack,
  StacksAPI,
  Template,
  TemplateSummary,
} from '@influxdata/influxdb-client-apis';
import type { Logger } from 'pino';
import { describeError, GaplineError } from '../core/wire/errors.ts';
import type { Stream } from '../core/wire/stream.ts';
import type { WindowShape } from './cells/windows.ts';
import { renderTemplate, type TemplateObject } from './template.ts';
import { addUserCells, readUserCells, withLost } from './user-cells.ts';

export interface ImportOptions {
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
  /** May make dashboards, variables, checks and tasks: an operator's or an all-access token. */
  readonly token: string;
  readonly stream: Stream;
  /** Where the model labels windows: how they are cut. */
  readonly windows?: WindowShape;
  readonly logger: Logger;
  /** How long to wait for InfluxDB to come up. Default two minutes. */
  readonly timeoutMs?: number;
}

export interface Imported {
  readonly outcome: 'created' | 'updated' | 'unchanged';
  /** Where the dashboard is, on InfluxDB's page. */
  readonly dashboard: string;
}

const retryEveryMs = 1_000;

/**
 * Makes the dashboard of a stream, with its variables and checks. A second time changes nothing, unless the template is another by then or the
 * dashboard is gone: the stack (InfluxDB's word for what a template made) remembers the template's hash. Cells that a person added stay.
 * @throws {GaplineError} `store-unavailable` when InfluxDB does not come up in time, `store-refused` when it refuses.
 */
export async function importDashboard(options: ImportOptions): Promise<Imported> {
  const { InfluxDB } = await import('@influxdata/influxdb-client');
  const apis = await import('@influxdata/influxdb-client-apis');
  const client = new InfluxDB({ url: options.url, token: options.token, timeout: 30_000 });
  try {
    const orgID = await organisation(new apis.OrgsAPI(client), options);
    const template = renderTemplate(options);
    const stacks = new apis.StacksAPI(client);
    const dashboards = new apis.DashboardsAPI(client);
    const stack = await stackOf(stacks, orgID, options.stream);
    const stackID = idOf(stack);
    const before = remembered(stack);
    const existing = await dashboardOf(dashboards, stack);
    const link = (id: string) => `${options.url}/orgs/${orgID}/dashboards/${id}`;
    const hash = hashOf(template);
    if (existing !== undefined && before.template === hash) return { outcome: 'unchanged', dashboard: link(existing) };

    const ours = new Set([...before.cells, ...cellNames(template)]);
    const userCells =
      existing === undefined ? [] : withLost(await readUserCells(dashboards, existing, ours), before.userCells ?? []);
    const remember = (memory: Memory) =>
      stacks.updateStack({ stack_id: stackID, body: { description: JSON.stringify(memory) } });
    // Where it breaks off before they are back, the next start puts them back.
    if (userCells.length > 0) await remember({ template: '', cells: [...ours], userCells });
    const contents = template as unknown as Template;
    const applying = { body: { orgID, stackID, template: { contents } } };
    refuseErrors(await new apis.TemplatesAPI(client).applyTemplate(applying));
    const applied = await stacks.readStack({ stack_id: stackID });
    const dashboard = resourceOf(applied);
    if (dashboard === undefined) throw new Error('the template was applied, but made no dashboard');
    await addUserCells(dashboards, dashboard, userCells);
    // Last: where it breaks off before, the next start does it again.
    await remember({ template: hash, cells: [...ours] });
    return { outcome: existing === undefined ? 'created' : 'updated', dashboard: link(dashboard) };
  } catch (error) {
    if (error instanceof GaplineError) throw error;
    const detail = `InfluxDB at ${options.url} does not take the dashboard: ${describeError(error)}`;
    throw new GaplineError('store-refused', detail, { cause: error });
  }
}

/** InfluxDB answers a template that it does not apply with 200, and with what is wrong. */
function refuseErrors({ errors = [] }: TemplateSummary): void {
  if (errors.length > 0) throw new Error(errors.map(({ kind, reason }) => `${kind}: ${reason}`).join('; '));
}

/** Finds the organisation, and with that waits until InfluxDB is up. */
async function organisation(
  orgs: { getOrgs(request: { org: string }): Promise<{ orgs?: { id?: string }[] }> },
  { url, org, logger, timeoutMs = 120_000 }: ImportOptions,
): Promise<string> {
  const deadlineMs = Date.now() + timeoutMs;
  for (let told = false; ; told = true) {
    try {
      const id = (await orgs.getOrgs({ org })).orgs?.[0]?.id;
      if (id !== undefined) return id;
      throw new GaplineError('store-refused', `InfluxDB at ${url} has no organisation "${org}" that the token may see`);
    } catch (error) {
      if (!isUnavailable(error)) throw refusalError(error, url, org);
      if (Date.now() > deadlineMs) {
        const detail = `InfluxDB at ${url} did not come up in ${timeoutMs / 1_000} s: ${describeError(error)}`;
        throw new GaplineError('store-unavailable', detail, { cause: error });
      }
      if (!told) logger.info({ url }, `waiting for InfluxDB: ${describeError(error)}`);
      await sleep(retryEveryMs);
    }
  }
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof GaplineError) return false;
  const { statusCode } = error as { statusCode?: number };
  return statusCode === undefined || statusCode >= 500 || statusCode === 429;
}

function refusalError(error: unknown, url: string, org: string): unknown {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode === 401) {
    return new GaplineError('store-refused', `InfluxDB at ${url} does not know the token`, { cause: error });
  }
  if (statusCode === 404) {
    const detail = `InfluxDB at ${url} has no organisation "${org}" that the token may see`;
    return new GaplineError('store-refused', detail, { cause: error });
  }
  return error;
}

async function stackOf(stacks: StacksAPI, orgID: string, stream: Stream): Promise<Stack> {
  const name = `gapline ${stream.name}`;
  const { stacks: found = [] } = await stacks.listStacks({ orgID, name });
  // Two imports at once may each have made one; the older counts.
  const [oldest] = found.toSorted((a, b) => (a.createdAt ?? '').localeCompare(b.createdAt ?? ''));
  return oldest ?? stacks.createStack({ body: { orgID, name, description: '' } });
}

function idOf({ id }: Stack): string {
  if (id === undefined) throw new Error('InfluxDB gave a stack without an id');
  return id;
}

/** What a stack's description remembers. */
interface Memory {
  /** SHA-256 of the template that was applied last. */
  readonly template: string;
  /** The names of all cells that a template ever made. */
  readonly cells: readonly string[];
  /** While a template is applied, which takes them off: the cells that a person added. */
  readonly userCells?: readonly CellWithViewProperties[];
}

function latestEvent({ events = [] }: Stack) {
  return events.toSorted((a, b) => (a.updatedAt ?? '').localeCompare(b.updatedAt ?? '')).at(-1);
}

function remembered(stack: Stack): Memory {
  try {
    const { template, cells, userCells = [] } = JSON.parse(latestEvent(stack)?.description ?? '') as Partial<Memory>;
    if (typeof template === 'string' && Array.isArray(cells) && Array.isArray(userCells))
      return { template, cells, userCells };
  } catch {
    // A new stack, or one whose description a person has changed: applied again.
  }
  return { template: '', cells: [] };
}

function resourceOf(stack: Stack): string | undefined {
  return latestEvent(stack)?.resources?.find(({ kind }) => kind === 'Dashboard')?.resourceID;
}

/** The dashboard that the stack made, if it is still there. */
async function dashboardOf(dashboards: DashboardsAPI, stack: Stack): Promise<string | undefined> {
  const dashboardID = resourceOf(stack);
  if (dashboardID === undefined) return undefined;
  try {
    await dashboards.getDashboardsID({ dashboardID });
    return dashboardID;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

function hashOf(template: readonly TemplateObject[]): string {
  return createHash('sha256').update(JSON.stringify(template)).digest('hex');
}

function cellNames(template: readonly TemplateObject[]): string[] {
  const charts = template.flatMap(({ kind, spec }) =>
    kind === 'Dashboard' ? (spec.charts as { name: string }[]) : [],
  );
  return charts.map(({ name }) => name);
}
