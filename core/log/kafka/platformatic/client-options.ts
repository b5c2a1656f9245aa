import type { BaseOptions } from '@platformatic/kafka';

/** What every client of @platformatic/kafka is made with. */
export type ClientOptions = BaseOptions & { readonly requestTimeout: number };
