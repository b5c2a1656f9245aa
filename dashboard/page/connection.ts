import type { Delta, Snapshot } from '../events.ts';

export interface ConnectionHandlers {
  snapshot(snapshot: Snapshot): void;
  delta(delta: Delta): void;
  /** The page is, or is no longer, told what happens. */
  connected(isConnected: boolean): void;
}

const retryMs = 2_000;
/** The server speaks several times a second; a connection this silent is dead even if nothing says so. */
const silentMs = 8_000;

/** Keeps the stream of events open: a browser itself gives up after an answer that is an error. */
export function connect(path: string, handlers: ConnectionHandlers): void {
  const source = new EventSource(path);
  let watchdog = 0;
  const heard = () => {
    window.clearTimeout(watchdog);
    watchdog = window.setTimeout(() => reopen(0), silentMs);
  };
  const reopen = (waitMs: number) => {
    window.clearTimeout(watchdog);
    source.close();
    handlers.connected(false);
    window.setTimeout(() => connect(path, handlers), waitMs);
  };
  source.addEventListener('snapshot', (event) => {
    heard();
    handlers.connected(true);
    handlers.snapshot(JSON.parse(event.data) as Snapshot);
  });
  source.addEventListener('delta', (event) => {
    heard();
    handlers.delta(JSON.parse(event.data) as Delta);
  });
  source.addEventListener('error', () => reopen(retryMs));
  heard();
}
