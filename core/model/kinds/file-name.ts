import { z } from 'zod';

/** The name of a file beside `model.json`: no path, so that a model never reads outside its folder. */
export const fileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
