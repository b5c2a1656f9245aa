import { dirname, resolve } from 'node:path';
import { type Document, isMap, isNode, LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { readWholeSync } from '../../core/files/whole.ts';
import { keysOfStep } from '../../core/steps/registry.ts';
import { GaplineError } from '../../core/wire/errors.ts';
import { nearName } from '../../core/wire/near-name.ts';
import { shorten } from '../../core/wire/problem.ts';
import { validate } from '../../core/wire/validate.ts';
import { type Config, configSchema } from './schema.ts';

/** A configuration with the folder that its paths are relative to. */
export interface LoadedConfig {
  readonly file: string;
  readonly folder: string;
  readonly config: Config;
  /** What the command line laid over it. */
  readonly overrides: readonly string[];
}

/**
 * Reads a stream.yaml and the `key=value` overrides of the command line.
 * @throws {GaplineError} `config-invalid`, naming the file, the line, the key, what was found and what would be right.
 */
export function loadConfig(file: string, overrides: readonly string[] = []): LoadedConfig {
  const lines = new LineCounter();
  const document = read(file, lines);
  const broken = document.errors[0];
  if (broken) {
    throw new GaplineError(
      'config-invalid',
      `${file}:${lines.linePos(broken.pos[0]).line}: ${faultOf(broken.message)}`,
    );
  }
  if (!isMap(document.contents)) {
    throw new GaplineError('config-invalid', `${file}:1: expected keys and values, such as "stream: NAME"`);
  }
  for (const override of overrides) applyOverride(document, override);
  const result = validate(configSchema, valuesOf(document, file), { reportInput: true });
  if (!result.success) {
    const issues = result.error.issues.flatMap(ofWhatIsMeant);
    const found = issues.slice(0, mostTold).map((issue) => explain(issue, file, document, lines));
    const more = issues.length > mostTold ? `; and ${issues.length - mostTold} more` : '';
    throw new GaplineError('config-invalid', found.join('; ') + more);
  }
  return { file, folder: dirname(resolve(file)), config: result.data, overrides };
}

const tooDeep = 'it nests deeper than anything that is meant';

/** So many mistakes are told at once. */
const mostTold = 5;

/** Brackets that are open at once, or marks of a block in one line. The parser takes minutes for some thousands. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  for (const character of text) {
    if (character === '[' || character === '{') depth += 1;
    else if ((character === ']' || character === '}') && depth > 0) depth -= 1;
    if (depth > 100) return true;
  }
  return /(?:[-?]\s+){100}/.test(text);
}

function read(file: string, lines: LineCounter): Document {
  const text = readText(file);
  if (nestsTooDeep(text)) throw new GaplineError('config-invalid', `${file}: ${tooDeep}`);
  try {
    return parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true, logLevel: 'error' });
  } catch (cause) {
    throw new GaplineError('config-invalid', `${file}: it cannot be read as YAML`, { cause });
  }
}

/** What the file stands for, aliases followed. */
function valuesOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch {
    throw new GaplineError(
      'config-invalid',
      `${file}: an alias (*name) is not known or stands for too much; write out what it means`,
    );
  }
}

/** A stream.yaml is a page of text. */
const mostBytes = 4_000_000;

function readText(file: string): string {
  try {
    return readWholeSync(file, mostBytes).toString('utf8');
  } catch (cause) {
    if (cause instanceof GaplineError) throw new GaplineError('config-invalid', cause.message);
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const hint = missing ? 'there is no such file; `gapline new NAME --data my.csv` makes one' : 'cannot be read';
    throw new GaplineError('config-invalid', `${file}: ${hint}`, missing ? {} : { cause });
  }
}

function applyOverride(document: Document, override: string): void {
  const at = override.indexOf('=');
  if (at < 1)
    throw new GaplineError('config-invalid', `--set ${override}: expected key=value, such as generator.rate=100`);
  const path = override.slice(0, at).split('.');
  try {
    const value: unknown = parse(override.slice(at + 1));
    if (value === null) document.deleteIn(path);
    else document.setIn(path, value);
  } catch (cause) {
    throw new GaplineError('config-invalid', `--set ${override}: ${path.join('.')} cannot be set`, { cause });
  }
}

type Issue = z.core.$ZodIssue;

/** Of the two things that a step may be, the `use` says which is meant: what is wrong with that. */
function ofWhatIsMeant(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.filter((branch) => !branch.some(({ path }) => path[0] === 'use'));
  if (meant.length !== 1) return [issue];
  return meant.flat().map((each) => ({ ...each, path: [...issue.path, ...each.path] }));
}

function explain(issue: Issue, file: string, document: Document, lines: LineCounter): string {
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const where = `${file}:${lineOf(path, document, lines)}: ${path.join('.') || 'the file'}`;
  if (unknown !== undefined) return `${where}: there is no such key${suggest(unknown, issue)}`;
  if (issue.input === undefined) return `${where}: missing; ${expected(issue)}`;
  return `${where}: found ${shown(issue.input)}; ${expected(issue)}`;
}

/** A value as text, short, whatever it is. */
function shown(value: unknown): string {
  try {
    return shorten(JSON.stringify(value));
  } catch {
    return 'a value without end';
  }
}

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_value':
      return `expected one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `expected ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_type':
      return `expected ${issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}`}`;
    case 'invalid_format':
      return `expected ${issue.message}`;
    default:
      return issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}

/** The line of a key, or of the nearest one above it that the file has. */
function lineOf(path: readonly PropertyKey[], document: Document, lines: LineCounter): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const parent = document.getIn(path.slice(0, depth - 1), true);
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === String(path[depth - 1])) : undefined;
    const node = isNode(pair?.key) ? pair.key : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function suggest(key: string, { path, input }: Issue): string {
  const known = path[0] === 'steps' ? keysOfStep((input as { use?: unknown }).use) : keysAt(path);
  const near = nearName(key, known);
  if (known.length === 0) return '';
  return near ? `; did you mean ${near}?` : `; expected one of ${known.join(', ')}`;
}

function keysAt(path: readonly PropertyKey[]): string[] {
  let at: unknown = configSchema;
  for (const step of [...path, undefined]) {
    while (at && typeof at === 'object' && 'unwrap' in at && !('shape' in at))
      at = (at as { unwrap(): unknown }).unwrap();
    const shape = (at as { shape?: Record<string, unknown> } | undefined)?.shape;
    if (step === undefined) return Object.keys(shape ?? {});
    at = shape?.[String(step)];
  }
  return [];
}

/** What the parser reports, without the excerpt of the file that it adds. */
function faultOf(message: string): string {
  return shorten(message.replace(/\n.*$/s, '').replace(/ at line.*$/, ''), 300);
}
