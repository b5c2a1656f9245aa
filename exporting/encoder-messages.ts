import type { ObjectRows } from '../core/partitions/rows.ts';
import type { Encoded, ObjectJob } from './encode.ts';
import type { SampleBatch } from './sample-batch.ts';

/** What the thread that encodes is sent: rows and samples of an object, and at last what it is. */
export type ToEncoder = { readonly rows: ObjectRows } | { readonly batch: SampleBatch } | ObjectMessage;
export interface ObjectMessage {
  readonly id: number;
  readonly job: ObjectJob;
}

/** What it sends back: bytes of samples that it has read, and objects. */
export type FromEncoder =
  | { readonly free: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly encoded: Encoded }
  | { readonly id: number; readonly failed: string };
