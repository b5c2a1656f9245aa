import { describeError, GaplineError } from '../../wire/errors.ts';

/** Errors of records that a broker will never take: retrying cannot help. */
const refusedRecords = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP']);
/** Errors that last until somebody changes the client's rights or its configuration. */
const accessDenied = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
]);

/** Errors of a broker, partition or group that is being started, created or moved, by the names of both clients. They pass by themselves. */
const passing = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'NOT_LEADER_OR_FOLLOWER',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_COORDINATOR',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'COORDINATOR_LOAD_IN_PROGRESS',
]);

/** Kafka's own name of an error, from within the wrappers of kafkajs (`type`, `cause`) and of @platformatic/kafka (`apiId`, `errors`). */
export function kafkaErrorType(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    if ('type' in at && typeof at.type === 'string') return at.type;
    if ('apiId' in at && typeof at.apiId === 'string') return at.apiId;
    if (at instanceof AggregateError) {
      for (const inner of at.errors) {
        const type = kafkaErrorType(inner);
        if (type) return type;
      }
    }
    if (at.name === 'KafkaJSSASLAuthenticationError') return 'SASL_AUTHENTICATION_FAILED';
  }
  return undefined;
}

/** An error of kafkajs as one of the log: `retryable: false` where the records are at fault. */
export function kafkaError(doing: string, error: unknown): GaplineError {
  if (error instanceof GaplineError) return error;
  const retryable = !isRecordRefused(error);
  return new GaplineError('log-unavailable', `${doing}: ${describeKafka(error)}`, { cause: error, retryable });
}

/** True where the broker will never take the records. */
export const isRecordRefused = (error: unknown): boolean => refusedRecords.has(kafkaErrorType(error) ?? '');

/** True where Kafka named an error that passes by itself. Of a topic that is missing for good, the look-up tells (`topic-mismatch`). */
export const isPassing = (error: unknown): boolean => passing.has(kafkaErrorType(error) ?? '');

/** True where waiting cannot help: the broker denies this client access. */
export const isAccessDenied = (error: unknown): boolean => accessDenied.has(kafkaErrorType(error) ?? '');

/** kafkajs repeats a message at each layer; the innermost error has the cause. */
function describeKafka(error: unknown): string {
  let inner = error;
  for (let depth = 0; depth < 8; depth++) {
    const next = inner instanceof AggregateError ? inner.errors[0] : inner instanceof Error ? inner.cause : undefined;
    if (!(next instanceof Error)) break;
    inner = next;
  }
  return describeError(inner instanceof Error ? new Error(inner.message) : inner);
}
