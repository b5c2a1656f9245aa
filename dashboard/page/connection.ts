import type { Delta, Snapshot } from '../events.ts';

export interface ConnectionHandlers {
  snapshot(snapshot: Snapshot): void;
  delta(delta: Delta): void;
  /** The page receives what happens, or no longer does. */
  connected(isConnected: boolean): void;
}

const retryMs = 2_000;
/** The server speaks several times a second; a connection this silent is dead even if no error is reported. */
const silentMs = 8_000;

/** Keeps the stream of events open: a browser itself gives up after a response that is an error. */
export function connect(path: string, handlers: ConnectionHandlers): void {
  const source = new EventSource(path);
  let watchdog = 0;
  const heard = () => {
    window.clearTimeout(watchdog);
    watchdog = window.setTimeout(() => void reopen(0), silentMs);
  };
  const reopen = async (waitMs: number) => {
    window.clearTimeout(watchdog);
    source.close();
    handlers.connected(false);
    if (await isSignedOut()) location.reload();
    else window.setTimeout(() => connect(path, handlers), waitMs);
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
  source.addEventListener('error', () => void reopen(retryMs));
  heard();
}

/** Whether the server asks for a token again; an `EventSource` does not report why it was refused. */
async function isSignedOut(): Promise<boolean> {
  try {
    return (await fetch('/stats', { method: 'HEAD' })).status === 401;
  } catch {
    return false;
  }
}
