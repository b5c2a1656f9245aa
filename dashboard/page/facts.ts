import type { FactKindFigures, FactSubject, Snapshot } from '../events.ts';
import { childrenOf, make, need, paired, setAttribute, setText } from './dom.ts';
import { ago, clock, count, plural } from './format.ts';

/** Who is inside a fact and who is not, and what becomes of the readings of those outside. */
export class FactsCard {
  readonly #readout = need('facts-readout');
  readonly #kinds = need('facts-kinds');
  readonly #waiting = need('facts-waiting');

  update({ at, stages }: Snapshot, kinds: readonly FactKindFigures[]): void {
    setText(this.#readout, kinds.map(countsText).join(' · '));
    setText(this.#waiting, waitingText(stages));
    const listed = kinds.filter(({ isListed }) => isListed);
    const sections = paired(this.#kinds, listed, () =>
      make('div', { class: 'fact-kind' }, make('h3'), make('ol'), make('h3'), make('ol')),
    );
    for (const { element, item } of sections) {
      const [insideHead, inside, outsideHead, outside] = childrenOf(element, 4);
      setText(insideHead, `In ${item.kind}: ${count(item.insideCount)}`);
      setText(outsideHead, `Out: ${count(item.outsideCount)}`);
      drawSubjects(inside, item.inside, (subject) => insideText(subject, at));
      drawSubjects(outside, item.outside, (subject) => outsideText(subject, at));
    }
  }
}

const countsText = ({ kind, insideCount, outsideCount }: FactKindFigures): string =>
  `${kind} holds for ${count(insideCount)} of ${count(insideCount + outsideCount)}`;

function drawSubjects(list: HTMLElement, subjects: readonly FactSubject[], text: (of: FactSubject) => string): void {
  const items = paired(list, subjects, () =>
    make('li', {}, make('span', { class: 'fact-subject' }), make('span', { class: 'muted' })),
  );
  for (const { element, item } of items) {
    const [name, what] = childrenOf(element, 2);
    setText(name, item.subject);
    setText(what, text(item));
    setAttribute(element, 'title', item.since === null ? '' : `since ${clock(item.since)}`);
  }
}

const insideText = ({ since, label }: FactSubject, at: number): string =>
  `for ${ago(at - (since ?? at))} · ${label ?? 'no label yet'}`;

const outsideText = ({ since }: FactSubject, at: number): string =>
  since === null ? 'not yet' : `for ${ago(at - since)}`;

/** Over all classifiers: what waits for a fact now, and what waited in vain. */
function waitingText(stages: Snapshot['stages']): string {
  const sum = (name: string) =>
    stages.reduce((total, { stage, counters }) => total + (stage === 'classifier' ? (counters[name] ?? 0) : 0), 0);
  const parts = [
    `${plural(sum('factsWaiting'), 'reading')} held`,
    `skipped: ${count(sum('skippedNoFact'))} without a fact, ${count(sum('skippedHeldFull'))} because too many waited`,
  ];
  const ended = sum('factsEnded');
  if (ended > 0) parts.push(`${plural(ended, 'fact')} ended or deleted`);
  return parts.join(' · ');
}
