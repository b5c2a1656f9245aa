import type { LabelledRecord } from './labelled-record.ts';

const lineBreak = /\r\n|\r|\n/g;
const [lineFeed, carriageReturn] = [10, 13];
const end = Buffer.from('\n\n');

/**
 * A prediction as a server-sent event. Anybody may write to a topic: a line break in a record begins no field of the event, and no other
 * event.
 */
export function eventOf(id: string, labelled: LabelledRecord): Buffer {
  const { value } = labelled.record;
  const head = Buffer.from(`id: ${id}\nevent: prediction\ndata: `);
  if (!value.includes(lineFeed) && !value.includes(carriageReturn)) return Buffer.concat([head, value, end]);
  return Buffer.concat([head, Buffer.from(labelled.text.replaceAll(lineBreak, '\ndata: ')), end]);
}
