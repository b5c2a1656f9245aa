import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { dataFolder, freePort, type ServerHandle, startServer } from './process.ts';

/** Who may log in to a server: its one user, and what {@link file} holds as a token. */
export interface MlflowLogin {
  readonly username: string;
  readonly password: string;
  /** Read at each request, so that a test can withdraw the token. */
  readonly file: string;
  /** Where {@link ./python-packages.ts} has what MLflow's login needs beside MLflow. */
  readonly packages: string;
}

/**
 * MLflow's tracking server with SQLite and its proxy of artifacts, in one process.
 * @param python - an interpreter that has MLflow: {@link ./python.ts}
 * @param login - without it everybody may do everything
 */
export async function startMlflow(python: string, login?: MlflowLogin): Promise<ServerHandle> {
  const data = await dataFolder('mlflow');
  const app = login ? ['--factory', 'mlflow.server.auth:create_app'] : ['mlflow.server.fastapi_app:app'];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return await startServer({
    ...{ name: 'mlflow', url, command: python, data },
    // What `mlflow server --serve-artifacts` runs, with `--app-name basic-auth` where there is a login, and with what it passes on:
    // that one would be a process more, which leaves its server behind when it is killed.
    args: ['-m', 'uvicorn', '--host', '127.0.0.1', '--port', String(port), ...app],
    env: {
      ...(login && writeLogin(data.path, login)),
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

/** What `MLFLOW_AUTH_CONFIG_PATH` names, and the variables for it. MLflow takes tokens by a function of one's own only. */
function writeLogin(folder: string, { username, password, file, packages }: MlflowLogin): Record<string, string> {
  const config = join(folder, 'login.ini');
  writeFileSync(
    config,
    `[mlflow]
default_permission = READ
database_uri = sqlite:///${join(folder, 'users.db')}
admin_username = ${username}
admin_password = ${password}
authorization_function = gapline_login:authenticate
`,
  );
  writeFileSync(join(folder, 'gapline_login.py'), tokenLogin);
  return {
    MLFLOW_AUTH_CONFIG_PATH: config,
    MLFLOW_FLASK_SERVER_SECRET_KEY: 'of a test',
    GAPLINE_TEST_TOKEN_FILE: file,
    GAPLINE_TEST_TOKEN_USER: username,
    PYTHONPATH: [folder, packages].join(delimiter),
  };
}

const tokenLogin = `import os

from flask import request
from mlflow.server.auth import authenticate_request_basic_auth, make_basic_auth_response
from werkzeug.datastructures import Authorization


def authenticate():
    given = request.authorization
    if given is None or given.type != "bearer":
        return authenticate_request_basic_auth()
    with open(os.environ["GAPLINE_TEST_TOKEN_FILE"]) as file:
        if given.token != file.read():
            return make_basic_auth_response()
    return Authorization("basic", {"username": os.environ["GAPLINE_TEST_TOKEN_USER"], "password": ""})
`;
