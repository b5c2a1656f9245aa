import { createRequire } from 'node:module';
import { committedMessages } from './committed-messages.ts';
import { encodeProduceRequest, isPlainRequest, type ProduceRequest, type RequestHead } from './produce-request.ts';
import { type BatchHead, type BatchRecord, encodeRecordBatch } from './record-batch.ts';

/** The arguments of kafkajs' encoder of a batch; 0 is no compression. */
type BatchArguments = Omit<BatchHead, 'records'> & {
  readonly compression?: number;
  readonly records?: readonly BatchRecord[];
};

interface Encoded {
  buf: Buffer;
  offset: number;
}

interface Grouping {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly object[];
  readonly partitioner: (options: object) => number;
}

/** A request of kafkajs. Those that {@link encodeProduceRequest} takes are encoded as a whole. */
interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly whole?: (head: RequestHead) => Buffer;
}

type CreateRequest = (options: Omit<RequestHead, keyof Request> & { readonly request: Request }) => Promise<Encoded>;

const require = createRequire(import.meta.url);
let patched = false;

/**
 * Replaces functions of kafkajs 2.2.4, before it is loaded. It encodes each record into a growing buffer of its own, with an array
 * and a buffer for each integer, computes the checksum byte by byte, copies all messages of a partition for each that it adds, and copies
 * batches five times on their way into a request, into buffers of up to twice their size that are filled with zeros first. The results are
 * the same bytes (tested). Its filter of aborted transactions lets some records through ({@link committedMessages}).
 */
export function patchRecords(): void {
  if (patched) return;
  patched = true;
  const { Record, RecordBatch, Encoder } = originalEncoders();
  const encoded = createEncoded(Encoder);
  // Records stay as they are until their batch is encoded.
  replace('kafkajs/src/protocol/recordBatch/record/v0', (record: BatchRecord) => record);
  replace('kafkajs/src/protocol/recordBatch/v0', {
    ...require('kafkajs/src/protocol/recordBatch/v0'),
    async RecordBatch(batch: BatchArguments): Promise<Encoded> {
      const records = batch.records ?? [];
      if (batch.compression || !records.every(isPlain)) return RecordBatch({ ...batch, records: records.map(Record) });
      return encoded(encodeRecordBatch({ ...batch, records }));
    },
  });
  patchRequests(encoded);
  replace('kafkajs/src/producer/groupMessagesPerPartition', groupByPartition);
  replace('kafkajs/src/consumer/filterAbortedMessages', committedMessages);
}

function patchRequests(encoded: (buf: Buffer) => Encoded): void {
  const { produceRequest, createRequest } = originalRequests();
  replace('kafkajs/src/protocol/requests/produce/v3/request', (produce: ProduceRequest) => {
    const request = produceRequest(produce);
    if (!isPlainRequest(produce)) return request;
    return { ...request, whole: (head: RequestHead) => encodeProduceRequest(produce, head, Date.now()) };
  });
  const create: CreateRequest = async (options) => {
    const { request, correlationId, clientId } = options;
    if (request.whole === undefined) return createRequest(options);
    const { apiKey, apiVersion } = request;
    return encoded(request.whole({ apiKey, apiVersion, correlationId, clientId }));
  };
  replace('kafkajs/src/protocol/request', create);
}

/** Makes of bytes what kafkajs' encoder has written. The encoder is looked up once: to require it costs more than a small request. */
function createEncoded({ prototype }: { readonly prototype: Encoded }): (buf: Buffer) => Encoded {
  return (buf) => {
    const encoded = Object.create(prototype) as Encoded;
    encoded.buf = buf;
    encoded.offset = buf.length;
    return encoded;
  };
}

/** kafkajs' own requests. */
export function originalRequests() {
  return {
    produceRequest: require('kafkajs/src/protocol/requests/produce/v3/request') as (produce: ProduceRequest) => Request,
    createRequest: require('kafkajs/src/protocol/request') as CreateRequest,
  };
}

/** kafkajs' own encoders. */
export function originalEncoders() {
  return {
    Record: require('kafkajs/src/protocol/recordBatch/record/v0') as (record: BatchRecord) => Encoded,
    RecordBatch: require('kafkajs/src/protocol/recordBatch/v0').RecordBatch as (batch: object) => Promise<Encoded>,
    Encoder: require('kafkajs/src/protocol/encoder') as { readonly prototype: Encoded },
  };
}

function replace(path: string, exported: unknown): void {
  require(path);
  const loaded = require.cache[require.resolve(path)];
  if (loaded === undefined) throw new Error(`kafkajs has no ${path}`);
  loaded.exports = exported;
}

const maxDelta = 2 ** 30;

function isPlain({ headers, timestampDelta = 0 }: BatchRecord): boolean {
  return Math.abs(timestampDelta) < maxDelta && (headers === undefined || Object.keys(headers).length === 0);
}

function groupByPartition({ topic, partitionMetadata, messages, partitioner }: Grouping): Record<string, object[]> {
  const groups: Record<string, object[]> = {};
  if (partitionMetadata.length === 0) return groups;
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message });
    const group = groups[partition];
    if (group === undefined) groups[partition] = [message];
    else group.push(message);
  }
  return groups;
}
