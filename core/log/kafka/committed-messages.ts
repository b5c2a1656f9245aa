/** A message as kafkajs decodes it. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

interface Fetched<M> {
  readonly messages: readonly M[];
  /** As the broker lists them: by their ends, not by their beginnings. */
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
}

const abort = 0;

/**
 * The messages of a fetch that belong to no aborted transaction, markers included. kafkajs's own filter takes the list for ordered by its
 * beginnings, and one transaction of it for each message: it returns records of aborted transactions where several were under way at once,
 * or where a fetch begins in the middle of some. It also takes a record whose key is four zero bytes for a marker.
 */
export function committedMessages<M extends FetchedMessage>({
  messages,
  abortedTransactions,
}: Fetched<M>): readonly M[] {
  if (!abortedTransactions || abortedTransactions.length === 0) return messages;
  const upcoming = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, from: BigInt(firstOffset) }))
    .sort((a, b) => (a.from < b.from ? -1 : 1));
  const aborted = new Set<string>();
  let next = 0;
  return messages.filter(({ offset, key, isControlRecord, batchContext: { producerId, inTransaction } }) => {
    const at = BigInt(offset);
    for (let one = upcoming[next]; one !== undefined && one.from <= at; one = upcoming[next]) {
      aborted.add(one.producerId);
      next += 1;
    }
    if (!isControlRecord) return !(inTransaction && aborted.has(producerId));
    if (key?.readInt16BE(2) === abort) aborted.delete(producerId);
    return true;
  });
}
