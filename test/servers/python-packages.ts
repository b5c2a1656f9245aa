import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, type Supply } from './obtain.ts';

const version = '4.32.5';
const requirements = join(import.meta.dirname, '../../examples/python-classifier/requirements.txt');

function packages(title: string, folder: string, ...asked: string[]): Supply {
  const pip = ['-m', 'pip', 'install', '--quiet', '--target'];
  return {
    title,
    folder,
    ways: [
      { title: 'by pip', make: (into, logFile) => run('python3', [...pip, into, ...asked], { cwd: into, logFile }) },
    ],
  };
}

/** A fuzzer that reads an OpenAPI document and tries what it promises: https://schemathesis.io */
export const schemathesisSupply = packages(
  `Schemathesis ${version}`,
  `schemathesis-${version}`,
  `schemathesis==${version}`,
);

/** What people send readings with in Python: InfluxDB's client, which writes line protocol, and requests. */
export const pythonClientsSupply = packages(
  "InfluxDB's client and requests for Python",
  'python-influxdb-client-1.50.0-requests-2.34.2',
  'influxdb-client==1.50.0',
  'requests==2.34.2',
);

/** What `examples/python-classifier` asks for. */
export const pythonClassifierSupply = packages(
  "the Python classifier's packages",
  `python-classifier-${createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 8)}`,
  '--requirement',
  requirements,
);

/** What `mlflow[auth]` has beside MLflow, for its server with a login. */
export const mlflowLoginSupply = packages(
  "MLflow's login",
  'python-flask-wtf-1.2.2-wtforms-3.2.1',
  '--no-deps',
  'flask-wtf==1.2.2',
  'wtforms==3.2.1',
);
