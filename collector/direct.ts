import type { DirectHandler } from '../core/http/direct-connections.ts';
import type { Reply } from '../core/http/reply.ts';
import type { WholeRequest } from '../core/http/whole-request.ts';
import type { LogRecord } from '../core/log/port.ts';
import type { EndpointOptions, Query } from './endpoint.ts';

/** The readings of a request that nothing is wrong with, and what it gets as a response once they are durable or have failed. */
export interface DirectReadings {
  readonly records: readonly LogRecord[];
  readonly accepted: () => Reply;
  readonly refused: (error: unknown) => Reply;
}

/**
 * Reads the readings of a whole request; undefined where it is not one of sound readings that may be accepted with nothing to wait for.
 * May throw, which means the same.
 */
export type DirectEndpoint = (request: WholeRequest, query: Query) => DirectReadings | undefined;

/**
 * Takes the requests that most devices send: small and sound. Everything else, and everything that is wrong, is read by the endpoints
 * through node:http; what is taken here gets the same response there (tested).
 * @param endpoints - by the path of their address
 */
export function createDirectHandler(
  { body: limits, memory, groups }: EndpointOptions,
  endpoints: ReadonlyMap<string, DirectEndpoint>,
  readAddress: (url: string) => { readonly path: string; readonly query: Query },
): DirectHandler {
  const read = (request: WholeRequest): DirectReadings | undefined => {
    const { body, headers } = request;
    if (headers['content-encoding'] !== undefined || body.length > limits.maxBytes) return undefined;
    const { path, query } = readAddress(request.url);
    const endpoint = endpoints.get(path);
    const reserved = endpoint && memory.reserve(body.length);
    // From here on the records count in place of the body.
    reserved?.release();
    return reserved && endpoint?.(request, query);
  };
  return (request, respond) => {
    let readings: DirectReadings | undefined;
    try {
      readings = read(request);
    } catch {
      return false;
    }
    if (readings === undefined) return false;
    const { records, accepted, refused } = readings;
    const settle = (error?: unknown): void => {
      try {
        respond(error === undefined ? accepted() : refused(error));
      } catch (fault) {
        // Without a response the sender would wait; whoever settles logs the fault.
        request.socket.destroy();
        throw fault;
      }
    };
    groups.enqueue(records, settle, request.socket);
    return true;
  };
}
