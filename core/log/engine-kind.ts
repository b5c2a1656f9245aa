import type { Logger } from 'pino';
import type { EventLog } from './port.ts';

/** Where a log is and how it is reached. */
export interface LogLocation {
  /** What `--log` said; undefined for the embedded default. */
  readonly url: string | undefined;
  /** The file of the embedded log, where `url` names none. */
  readonly file: () => string;
  readonly logger: Logger;
  /** Whether the embedded log compresses older records meanwhile. Default false: a stage does it, no short command. */
  readonly compress?: boolean;
  /** How long to wait for a log that does not answer yet, in milliseconds. */
  readonly waitMs?: number;
  /** User, password and certificate (PEM) of a log that asks for them. */
  readonly secrets?: () => { readonly username?: string; readonly password?: string; readonly ca?: string };
}

/** An engine of the log, as the command line finds it by an address. */
export interface LogEngineKind {
  /** The form of its addresses, for error messages. */
  readonly form: string;
  takes(url: string | undefined): boolean;
  /** A client that is not started yet. The engine's libraries are loaded here and not before. */
  open(location: LogLocation): Promise<EventLog>;
}
