import { shorten } from '../wire/problem.ts';
import { deviceNames, groupNames, holdsLabelName, isIdName, labelNames, plainName, timeNames } from './column-names.ts';
import type { ColumnSurvey } from './column-survey.ts';
import { isUnlabelled } from './gap-words.ts';

/** Which column is the label: one that was found, or those between which a person has to choose. */
export type LabelGuess =
  | { readonly label: string; readonly because: string }
  | { readonly candidates: readonly LabelCandidate[]; readonly because: string };

export interface LabelCandidate {
  readonly name: string;
  readonly classes: readonly string[];
}

/** More classes than this are not guessed at: the column is likelier a name or a measurement. */
const mostClasses = 30;

/** The different labels of a column. A word that is a gap elsewhere may be one: `none` beside `leak`. */
export const classesOf = ({ distinct, wordsForLabels }: ColumnSurvey): string[] => [
  ...distinct.texts.filter((text) => !isUnlabelled(text)),
  ...wordsForLabels.map(([word]) => word),
];

/** Whether a column of numbers is a measured target and no class. */
export function isNumericTarget(column: ColumnSurvey): boolean {
  if (column.kind !== 'numeric') return false;
  const classes = column.full ? Number.POSITIVE_INFINITY : classesOf(column).length;
  return classes > (column.wholes === column.numbers ? 50 : 20);
}

function isLabelLike(column: ColumnSurvey): boolean {
  if (column.full || column.unit !== '' || !['text', 'boolean', 'numeric'].includes(column.kind)) return false;
  if (column.kind === 'numeric' && !column.distinct.texts.every((text) => Number.isInteger(Number(text)))) return false;
  const classes = classesOf(column).length;
  return classes >= 2 && classes <= mostClasses && (classes < column.filled || column.filled < 20);
}

/** Names of devices, times and groups are none of labels. */
function isOfAnotherRole(name: string): boolean {
  const plain = plainName(name);
  return (
    [...deviceNames, ...timeNames].some((each) => each === plain) ||
    groupNames.has(plain) ||
    (isIdName(name) && !/^column \d+$/.test(name))
  );
}

/**
 * Guesses which column is the label: one that is named like a label, else the last one where it holds words, else the only one with few
 * different values. Where several would do it gives them all.
 */
export function guessLabel(columns: readonly ColumnSurvey[]): LabelGuess {
  const usable = columns.filter(isLabelLike);
  for (const wanted of labelNames) {
    const named = usable.find(({ name }) => plainName(name) === wanted);
    if (named) return { label: named.name, because: 'by its name' };
  }
  const holding = usable.filter(({ name }) => holdsLabelName(name));
  const [held] = holding;
  if (held && holding.length === 1) return { label: held.name, because: 'by its name' };
  const candidates = holding.length > 0 ? holding : usable.filter(({ name }) => !isOfAnotherRole(name));
  const last = columns.at(-1);
  const lastCandidate = candidates.find((candidate) => candidate === last);
  if (lastCandidate && lastCandidate.kind !== 'numeric')
    return { label: lastCandidate.name, because: 'the last column, of words' };
  const [only, ...more] = candidates;
  if (only && more.length === 0 && !isMeasuredLast(last, only))
    return { label: only.name, because: 'the only column of few different values' };
  const [word, ...words] = candidates.filter(({ kind }) => kind !== 'numeric');
  if (word && words.length === 0 && !lastCandidate && !isMeasuredLast(last, word))
    return { label: word.name, because: 'the only column of words' };
  return {
    candidates: candidates.map((column) => ({ name: column.name, classes: classesOf(column) })),
    because: reasonOf(candidates.length, columns),
  };
}

/** Whether the table ends in a measured column that is called like what people predict. */
const isMeasuredLast = (last: ColumnSurvey | undefined, candidate: ColumnSurvey): boolean =>
  last !== undefined &&
  last !== candidate &&
  isNumericTarget(last) &&
  /rul|remaining|target|price|score|^y$/i.test(last.name);

function reasonOf(candidates: number, columns: readonly ColumnSurvey[]): string {
  if (candidates > 0) return 'several columns may be the label';
  const named = columns.find(({ name }) => labelNames.some((each) => each === plainName(name)));
  const column = named ?? columns.at(-1);
  if (column === undefined) return 'no column looks like a label';
  const which = named ? `"${shorten(column.name)}"` : `the last one, "${shorten(column.name)}",`;
  return `no column looks like a label: ${which} ${whyNoLabel(column)}`;
}

/** Why a column that stands where labels do is none. */
function whyNoLabel(column: ColumnSurvey): string {
  if (isNumericTarget(column)) return 'is a number, not a class; Gapline predicts classes';
  const classes = classesOf(column);
  if (classes.length === 0) return 'is empty';
  if (column.full || classes.length === column.filled) return 'is another in each row';
  if (classes.length === 1) return `is "${shorten(classes[0] ?? '', 40)}" in every row: there is nothing to tell apart`;
  return `has ${classes.length} different cells`;
}
