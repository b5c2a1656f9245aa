import type { Message } from 'kafkajs';
import { type BatchHead, int64, recordBatchBound, writeRecordBatch } from './record-batch.ts';

/** A produce request of version 3 to 7, as kafkajs hands it to its encoder. */
export interface ProduceRequest {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null | undefined;
  readonly producerId?: BatchHead['producerId'];
  readonly producerEpoch?: number;
  /** 0 is none. */
  readonly compression?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence?: number;
      readonly messages: readonly Message[];
    }[];
  }[];
}

/** What every request begins with. */
export interface RequestHead {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
}

/** Whether {@link encodeProduceRequest} takes it: without compression, headers and times of the messages' own. */
export function isPlainRequest({ compression, topicData }: ProduceRequest): boolean {
  const isPlain = ({ headers, timestamp }: Message) => headers === undefined && timestamp == null;
  return !compression && topicData.every(({ partitions }) => partitions.every((each) => each.messages.every(isPlain)));
}

/** Bytes of a request besides names and batches: its integers and the lengths of its strings. */
const headBytes = 4 + 2 + 2 + 4 + 2 + 2 + 2 + 4 + 4;
const topicBytes = 2 + 4;
const partitionBytes = 4 + 4;

/** Encodes a whole request, its length in front, in one buffer: <https://kafka.apache.org/protocol#The_Messages_Produce>. */
export function encodeProduceRequest(request: ProduceRequest, head: RequestHead, nowMs: number): Buffer {
  const writer = new RequestWriter(boundOf(request, head));
  writer.int32(0).int16(head.apiKey).int16(head.apiVersion).int32(head.correlationId).string(head.clientId);
  writer.string(request.transactionalId).int16(request.acks).int32(request.timeout).int32(request.topicData.length);
  const producer = {
    ...{ firstTimestamp: nowMs, maxTimestamp: nowMs, transactional: Boolean(request.transactionalId) },
    ...{ producerId: int64(request.producerId ?? -1), producerEpoch: request.producerEpoch ?? 0 },
  };
  for (const { topic, partitions } of request.topicData) {
    writer.string(topic).int32(partitions.length);
    for (const { partition, firstSequence = 0, messages } of partitions)
      writer
        .int32(partition)
        .batch({ ...producer, firstSequence, lastOffsetDelta: messages.length - 1, records: messages });
  }
  return writer.end();
}

function boundOf({ transactionalId, topicData }: ProduceRequest, { clientId }: RequestHead): number {
  let bound = headBytes + Buffer.byteLength(clientId) + Buffer.byteLength(transactionalId ?? '');
  for (const { topic, partitions } of topicData) {
    bound += topicBytes + Buffer.byteLength(topic);
    for (const { messages } of partitions) bound += partitionBytes + recordBatchBound(messages);
  }
  return bound;
}

class RequestWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bound: number) {
    this.#bytes = Buffer.allocUnsafe(bound);
  }

  int16(value: number): this {
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
    return this;
  }

  string(text: string | null | undefined): this {
    if (text == null) return this.int16(-1);
    this.int16(Buffer.byteLength(text));
    this.#at += this.#bytes.write(text, this.#at);
    return this;
  }

  batch(batch: BatchHead): void {
    const start = this.#at + 4;
    const end = writeRecordBatch(this.#bytes, start, batch);
    this.int32(end - start);
    this.#at = end;
  }

  /** The request's length counts what follows it. */
  end(): Buffer {
    this.#bytes.writeInt32BE(this.#at - 4, 0);
    return this.#bytes.subarray(0, this.#at);
  }
}
