import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

const header = 'x-request-id';
/** What a proxy before the gateway may have given; anything else is not taken over. */
const sound = /^[\w.-]{1,64}$/;

/** Each request has an id: in its response, in the log and in the audit. */
export const requestIds: RequestHandler = (request, response, next) => {
  const given = request.headers[header];
  response.setHeader(header, typeof given === 'string' && sound.test(given) ? given : randomUUID());
  next();
};

export const requestIdOf = (response: Response): string => String(response.getHeader(header));
