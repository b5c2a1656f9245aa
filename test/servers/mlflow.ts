import { join } from 'node:path';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

/**
 * MLflow's tracking server with SQLite and its proxy of artifacts, in one process.
 * @param python - an interpreter that has MLflow: {@link ./python.ts}
 */
export async function startMlflow(python: string): Promise<ServerHandle> {
  const data = await dataFolder('mlflow');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return await startServer({
    ...{ name: 'mlflow', url, command: python, data },
    // What `mlflow server --serve-artifacts` runs, with what it passes on: that one would be a process more, which leaves its server
    // behind when it is killed.
    args: ['-m', 'uvicorn', '--host', '127.0.0.1', '--port', String(port), 'mlflow.server.fastapi_app:app'],
    env: {
      _MLFLOW_SERVER_FILE_STORE: `sqlite:///${join(data.path, 'mlflow.db')}`,
      _MLFLOW_SERVER_REGISTRY_STORE: `sqlite:///${join(data.path, 'mlflow.db')}`,
      _MLFLOW_SERVER_ARTIFACT_ROOT: 'mlflow-artifacts:/',
      _MLFLOW_SERVER_ARTIFACT_DESTINATION: artifactFolder(data.path),
      _MLFLOW_SERVER_SERVE_ARTIFACTS: 'true',
      _MLFLOW_SGI_NAME: 'uvicorn',
      MLFLOW_DISABLE_TELEMETRY: 'true',
    },
    ready: () =>
      fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) }).then(
        ({ ok }) => ok,
        () => false,
      ),
    // It imports some hundred megabytes of Python and makes its tables.
    readyWithinMs: 240_000,
  });
}

/** Where the server keeps what its proxy of artifacts takes. */
export const artifactFolder = (data: string): string => join(data, 'artifacts');
