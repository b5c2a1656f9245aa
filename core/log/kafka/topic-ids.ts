import { createRequire } from 'node:module';
import type { Cluster } from 'kafkajs';
import { sleep } from '../../retry/sleep.ts';

/** The parts of kafkajs's protocol that this uses: an encoder and a decoder that know the newer, flexible versions of requests. */
interface Encoder {
  writeUVarInt(value: number): Encoder;
  writeUVarIntString(value: string): Encoder;
  writeBuffer(value: Buffer): Encoder;
  writeBoolean(value: boolean): Encoder;
}
interface Decoder {
  readInt16(): number;
  readInt32(): number;
  readBoolean(): boolean;
  readUVarInt(): number;
  readUVarIntString(): string | null;
  readUVarIntArray<T>(read: (decoder: Decoder) => T): T[];
  readTaggedFields(): unknown;
  readonly buffer: Buffer;
  offset: number;
  forward(bytes: number): void;
}
interface Protocol {
  readonly Encoder: new () => Encoder;
  readonly Decoder: new (buffer: Buffer) => Decoder;
}

/** A connection of kafkajs to one broker. */
interface RequestSender {
  send(request: { request: object; response: object; logResponseError: boolean }): Promise<unknown>;
}

/** What kafkajs's cluster has beside its declared methods. */
interface ClusterInside extends Cluster {
  readonly brokerPool: {
    withBroker<T>(work: (on: { readonly broker: BrokerInside }) => Promise<T>): Promise<T | null>;
  };
}
interface BrokerInside {
  readonly connectionPool: RequestSender;
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
}

const metadataKey = 3;
/** The first version of the metadata that holds ids. */
const firstVersionWithIds = 10;
const idBytes = 16;

/**
 * The ids that Kafka gave to topics, by name. A topic that was deleted and made anew has another one; one that is missing has none.
 * Undefined where Kafka gives no ids, as before version 2.8. Rejects where no broker answers in time.
 */
export async function topicIdsWithin(
  answerMs: number,
  cluster: Cluster | undefined,
  topics: readonly string[],
): Promise<ReadonlyMap<string, string> | undefined> {
  const asked = (cluster as ClusterInside | undefined)?.brokerPool.withBroker(async ({ broker }) => {
    const newest = broker.versions?.[metadataKey]?.maxVersion ?? 0;
    return newest < firstVersionWithIds ? undefined : await fetchTopicIds(broker.connectionPool, topics);
  });
  const found = await Promise.race([asked, sleep(answerMs, { ref: false }).then(() => null)]);
  if (found === null) throw new Error('No broker gives the ids of topics');
  return found;
}

/**
 * kafkajs 2.2.4 has no request that returns the ids of topics.
 * Source: the request and the response `Metadata`, version 10, of Kafka's protocol.
 */
async function fetchTopicIds(broker: RequestSender, topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const protocol = loadProtocol();
  const found = await broker.send({
    request: {
      apiKey: metadataKey,
      apiVersion: firstVersionWithIds,
      apiName: 'Metadata',
      encode: async () => encode(protocol, topics),
    },
    response: {
      decode: async (raw: Buffer) => ({ ids: decode(new protocol.Decoder(raw)), clientSideThrottleTime: 0 }),
      parse: async ({ ids }: { ids: unknown }) => ids,
    },
    logResponseError: false,
  });
  return found as ReadonlyMap<string, string>;
}

function loadProtocol(): Protocol {
  const load = createRequire(import.meta.url);
  return { Encoder: load('kafkajs/src/protocol/encoder'), Decoder: load('kafkajs/src/protocol/decoder') };
}

function encode({ Encoder: Writer }: Protocol, topics: readonly string[]): Encoder {
  // The end of the request's header: no tagged fields.
  const encoder = new Writer().writeUVarInt(0).writeUVarInt(topics.length + 1);
  for (const topic of topics) encoder.writeBuffer(Buffer.alloc(idBytes)).writeUVarIntString(topic).writeUVarInt(0);
  // No topics are made, no authorized operations are asked for, no tagged fields.
  return encoder.writeBoolean(false).writeBoolean(false).writeBoolean(false).writeUVarInt(0);
}

function decode(decoder: Decoder): Map<string, string> {
  decoder.readTaggedFields();
  decoder.readInt32();
  decoder.readUVarIntArray(skipBroker);
  decoder.readUVarIntString();
  decoder.readInt32();
  const ids = new Map<string, string>();
  decoder.readUVarIntArray(() => readTopic(decoder, ids));
  return ids;
}

function skipBroker(decoder: Decoder): void {
  decoder.readInt32();
  decoder.readUVarIntString();
  decoder.readInt32();
  decoder.readUVarIntString();
  decoder.readTaggedFields();
}

function readTopic(decoder: Decoder, ids: Map<string, string>): void {
  const error = decoder.readInt16();
  const name = decoder.readUVarIntString();
  const id = decoder.buffer.toString('hex', decoder.offset, decoder.offset + idBytes);
  decoder.forward(idBytes);
  decoder.readBoolean();
  decoder.readUVarIntArray(skipPartition);
  decoder.readInt32();
  decoder.readTaggedFields();
  if (error === 0 && name !== null) ids.set(name, id);
}

function skipPartition(decoder: Decoder): void {
  decoder.readInt16();
  for (let field = 0; field < 3; field++) decoder.readInt32();
  for (let list = 0; list < 3; list++) decoder.readUVarIntArray((each) => each.readInt32());
  decoder.readTaggedFields();
}
