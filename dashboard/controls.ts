import express, { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import { GaplineError } from '../core/wire/errors.ts';
import type { Figures } from './figures/figures.ts';

/** What the page may change, where it runs beside the generator. */
export interface Controls {
  /** What the generator leaves out at the start: a share of values, 0 to {@link mostGaps}. */
  readonly gapRate: number;
  setGapRate(rate: number): void;
}

export const mostGaps = 0.6;

const gapRateSchema = z.strictObject({ gapRate: z.number().min(0).max(mostGaps) });

/** `POST /controls/gap-rate` with `{ "gapRate": 0.3 }`: 200 and the same, or a problem. */
export function controlsRouter(controls: Controls, figures: Figures): Router {
  const router = Router();
  const json = express.json({ limit: '1kb', type: 'application/json' });
  router.post('/controls/gap-rate', sameOrigin, json, (request, response) => {
    if (request.body === undefined) {
      throw new GaplineError('media-type-unsupported', 'send application/json, as {"gapRate":0.3}');
    }
    const parsed = gapRateSchema.safeParse(request.body);
    if (!parsed.success) {
      throw new GaplineError('control-invalid', `send {"gapRate":RATE} with a number from 0 to ${mostGaps}`);
    }
    controls.setGapRate(parsed.data.gapRate);
    figures.gapRate = parsed.data.gapRate;
    response.json(parsed.data);
  });
  return router;
}

/** Refuses what a browser sends on behalf of another site. Programs, which say nothing of a site, are let through. */
const sameOrigin: RequestHandler = (request, _response, next) => {
  const site = request.get('sec-fetch-site');
  const origin = request.get('origin');
  const isOwn =
    site === undefined ? origin === undefined || hostOf(origin) === request.get('host') : site === 'same-origin';
  if (!isOwn) throw new GaplineError('origin-refused', 'controls answer only the live page itself');
  next();
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
