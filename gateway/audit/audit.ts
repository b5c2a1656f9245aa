import type { Logger } from 'pino';
import { z } from 'zod';
import { describeError } from '../../core/wire/errors.ts';
import { validate } from '../../core/wire/validate.ts';
import type { AppLog } from './app-log.ts';

/** Who did what when, or was refused. */
export const auditRecordSchema = z
  .looseObject({
    time: z.iso.datetime(),
    request: z.string().optional().describe('as `x-request-id` of the response'),
    action: z.string().describe('what was done, such as `sign-in` or `train`; of a refusal else the method and path'),
    user: z.string().optional().describe('absent where nobody was signed in'),
    address: z.string().optional(),
    status: z.int().optional(),
    code: z.string().optional().describe('of a refusal, as in docs/errors.md'),
  })
  .meta({ title: 'AuditRecord' });

type Fact = string | number | boolean | undefined;
export type AuditEntry = { readonly action: string } & Readonly<Record<string, Fact>>;

export interface AuditQuery {
  readonly limit: number;
  /** Who did it, or in whose name somebody tried to sign in. */
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  /** Only older ones. */
  readonly before?: string | undefined;
}

export interface AuditOptions {
  readonly appLog: AppLog;
  /** Gets each record as a line of JSON. */
  readonly print: (line: string) => void;
  readonly logger: Logger;
  /** Called where the file did not take a line. */
  readonly onFailed?: () => void;
  readonly nowMs?: () => number;
}

/** Writes who did what: one line of JSON each, into the gateway's file and to whoever prints. */
export class Audit {
  readonly #options: Required<AuditOptions>;

  constructor(options: AuditOptions) {
    this.#options = { nowMs: Date.now, onFailed: () => {}, ...options };
  }

  record(entry: AuditEntry): void {
    const { appLog, print, logger, nowMs, onFailed } = this.#options;
    const line = JSON.stringify({ time: new Date(nowMs()).toISOString(), ...entry });
    print(line);
    try {
      appLog.write(line);
    } catch (error) {
      onFailed();
      logger.error(`a line of the audit could not be kept: ${describeError(error)}`);
    }
  }

  /** Newest first. */
  async read({ limit, user, action, before }: AuditQuery): Promise<z.infer<typeof auditRecordSchema>[]> {
    const isWanted = (line: string): boolean => {
      const record = recordOf(line);
      if (!record) return false;
      return (
        (user === undefined || (record.user ?? record.name) === user) &&
        (action === undefined || record.action === action) &&
        (before === undefined || record.time < before)
      );
    };
    const lines = await this.#options.appLog.newest(limit, isWanted);
    return lines.flatMap((line) => recordOf(line) ?? []);
  }
}

/** A line that a crash cut off is no record. */
function recordOf(line: string): z.infer<typeof auditRecordSchema> | undefined {
  try {
    return validate(auditRecordSchema, JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
