import type { DeadLetterView, Snapshot, StageFigures } from '../events.ts';
import { childrenOf, makeRow, need, paired, setAttribute, setText } from './dom.ts';
import { ago, clock, count, plural } from './format.ts';

const countersShown = 4;
const deadRows = 5;

/** What each stage reports of itself, and what could not be processed. */
export class Stages {
  readonly #list = need('stages');
  readonly #dead = need('dead');
  readonly #deadReadout = need('dead-readout');

  update({ stages, deadLetters, at }: Snapshot): void {
    const items = paired(this.#list, stages, () => makeRow('dot', 'name', 'muted', 'muted stage-counters'));
    for (const { element, item } of items) this.#draw(element, item, stages, at);
    const kept =
      deadLetters.count === 0 ? 'None in the last ten minutes' : `${count(deadLetters.count)} in the last ten minutes`;
    setText(this.#deadReadout, kept);
    const letters = paired(this.#dead, deadLetters.last.slice(0, deadRows), () => makeRow('muted', 'reason'));
    for (const { element, item } of letters) drawLetter(element, item);
  }

  #draw(item: HTMLElement, stage: StageFigures, all: readonly StageFigures[], at: number): void {
    setAttribute(item, 'data-state', stage.lastError && stage.state === 'reporting' ? 'troubled' : stage.state);
    const [, name, state, counters] = childrenOf(item, 4);
    const several = all.filter((other) => other.stage === stage.stage).length > 1;
    setText(name, several ? `${stage.stage} ${stage.instance.slice(0, 4)}` : stage.stage);
    setAttribute(state, 'class', stage.state === 'silent' ? 'trouble' : 'muted');
    setText(state, stateText(stage, at));
    setText(counters, countersText(stage));
    setAttribute(counters, 'title', allCounters(stage));
  }
}

function stateText({ state, seenMs }: StageFigures, at: number): string {
  return state === 'reporting' ? 'reports' : `silent for ${ago(at - seenMs)}`;
}

function countersText(stage: StageFigures): string {
  if (stage.lastError) return `${clock(Date.parse(stage.lastError.at))} ${stage.lastError.message}`;
  const parts = Object.entries(stage.counters)
    .slice(0, countersShown)
    .map(([name, value]) => `${worded(name)} ${count(value)}`);
  if (stage.spool) parts.unshift(`${plural(stage.spool.records, 'record')} in the spool`);
  if (stage.lag !== null) parts.unshift(`lag ${count(stage.lag)}`);
  return parts.join(' · ');
}

const allCounters = ({ counters, unknownFields }: StageFigures) =>
  [
    ...Object.entries(counters).map(([name, value]) => `${worded(name)}: ${count(value)}`),
    ...unknownFields.map((field) => `not known: ${field.name}: ${count(field.count)}`),
  ].join('\n');

/** `deadLetters` as words. */
const worded = (name: string) => name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

function drawLetter(item: HTMLElement, { at, stage, reason, from }: DeadLetterView): void {
  const [source, text] = childrenOf(item, 2);
  setText(source, `${clock(at)} ${stage}`);
  setText(text, reason);
  setAttribute(item, 'title', `${from}: ${reason}`);
}
