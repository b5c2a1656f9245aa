import express, { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Guard } from '../core/access/guard.ts';
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

/** `POST /controls/gap-rate` with `{ "gapRate": 0.3 }`: 200 and the same, or a problem. Needs the scope `admin`. */
export function controlsRouter({
  controls,
  figures,
  guard,
}: {
  controls: Controls;
  figures: Figures;
  guard: Guard;
}): Router {
  const router = Router();
  const mayControl = guard('admin');
  const admins: RequestHandler = async (request, response, next) => {
    await mayControl(request, response);
    next();
  };
  const json = express.json({ limit: '1kb', type: 'application/json' });
  router.post('/controls/gap-rate', admins, json, (request, response) => {
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
