import express, { type Request, type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Guard } from '../core/access/guard.ts';
import { GaplineError } from '../core/wire/errors.ts';
import { validate } from '../core/wire/validate.ts';
import type { Figures } from './figures/figures.ts';

/** What the page may change, where it runs beside the generator. */
export interface Controls {
  /** What the generator leaves out at the start: a share of values, 0 to {@link mostGaps}. */
  readonly gapRate: number;
  setGapRate(rate: number): void;
  /** Absent where the model cannot be chosen. */
  readonly models?: ModelControl;
}

/** A version that may label in place of the one that serves. */
export interface ModelOption {
  readonly version: number;
  /** Its aliases. */
  readonly names: readonly string[];
  readonly serves: boolean;
}

/** Which version of the model labels. */
export interface ModelControl {
  options(): Promise<readonly ModelOption[]>;
  /**
   * Lets one of the options label from the next look at the registry on.
   * @throws {GaplineError} `control-invalid` where it is no option
   */
  choose(version: number): Promise<void>;
}

export const mostGaps = 0.6;

const gapRateSchema = z.strictObject({ gapRate: z.number().min(0).max(mostGaps) });
const modelSchema = z.strictObject({ version: z.int().positive() });

/**
 * `POST /controls/gap-rate` with `{ "gapRate": 0.3 }` and, where the model can be chosen, `POST /controls/model` with `{ "version": 1 }`:
 * 200 and the same, or a problem. Both need the scope `admin`.
 */
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
    const wanted = bodyOf(request, gapRateSchema, `{"gapRate":RATE} with a number from 0 to ${mostGaps}`);
    controls.setGapRate(wanted.gapRate);
    figures.gapRate = wanted.gapRate;
    response.json(wanted);
  });
  const { models } = controls;
  if (models) {
    router.post('/controls/model', admins, json, async (request, response) => {
      const wanted = bodyOf(request, modelSchema, '{"version":VERSION} with the number of a version');
      await models.choose(wanted.version);
      response.json(wanted);
    });
  }
  return router;
}

function bodyOf<T>(request: Request, schema: z.ZodType<T>, form: string): T {
  if (request.body === undefined) throw new GaplineError('media-type-unsupported', `send application/json, as ${form}`);
  const parsed = validate(schema, request.body);
  if (!parsed.success) throw new GaplineError('control-invalid', `send ${form}`);
  return parsed.data;
}
