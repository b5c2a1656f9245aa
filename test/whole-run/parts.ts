import { actionlint, kubeconform, kubernetesSchemas, kustomize, versitygw } from '../servers/go-programs.ts';
import { influxdbSupply } from '../servers/influxdb.ts';
import { kafkaSupply } from '../servers/kafka.ts';
import { oldestNodeSupply } from '../servers/node.ts';
import type { Supply } from '../servers/obtain.ts';
import { onnxSupply } from '../servers/onnxruntime.ts';
import { promtoolSupply } from '../servers/promtool.ts';
import { pythonSupplies } from '../servers/python.ts';
import {
  mlflowLoginSupply,
  pythonClassifierSupply,
  pythonClientsSupply,
  schemathesisSupply,
} from '../servers/python-packages.ts';
import { telegrafSupply } from '../servers/telegraf.ts';
import type { Part } from './plan.ts';

/** A part, and what fills its place in the cache. */
export interface SuppliedPart extends Part {
  readonly supplies: readonly Supply[];
  /** The variable that may name one that runs already. */
  readonly givenBy?: string;
}

const servers = 'GAPLINE_REQUIRE_SERVERS';

/** All that a whole run may use; a part stands after those that it needs. */
export const parts: readonly SuppliedPart[] = [
  {
    ...{ id: 'kafka', title: kafkaSupply.title, supplies: [kafkaSupply], givenBy: 'GAPLINE_TEST_KAFKA' },
    tests: 'the Kafka engine of the log, and stages on it',
    runsWith: ['java', 'openssl'],
    ways: [
      { title: 'download about 120 MB', minutes: 1, with: [] },
      { title: 'about 60 MB from Maven Central', minutes: 1, with: ['mvn'] },
    ],
    testMinutes: 5,
    demandedBy: servers,
  },
  {
    ...{ id: 'influxdb', title: influxdbSupply.title, supplies: [influxdbSupply], givenBy: 'GAPLINE_TEST_INFLUXDB' },
    tests: 'the InfluxDB engine of the store, and the dashboard of InfluxDB',
    runsWith: [],
    ways: [
      { title: 'download about 50 MB', minutes: 1, with: [], linuxOnly: true },
      {
        title: 'build with Go and Cargo, about 15 minutes',
        minutes: 15,
        with: ['go', 'cargo', 'clang', 'protoc'],
        linuxOnly: true,
      },
    ],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'telegraf', title: telegrafSupply.title, supplies: [telegrafSupply], givenBy: 'GAPLINE_TEST_TELEGRAF' },
    tests: "Telegraf's configurations",
    runsWith: [],
    ways: [
      { title: 'download about 70 MB', minutes: 1, with: [], linuxOnly: true },
      { title: 'build with Go, about 5 minutes', minutes: 5, with: ['go'], linuxOnly: true },
    ],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'scikitLearn', title: pythonSupplies.scikitLearn.title, supplies: [pythonSupplies.scikitLearn] },
    tests: 'numbers beside scikit-learn',
    runsWith: ['python3'],
    ways: [{ title: 'from PyPI, 300 MB on the disk', minutes: 1, with: ['python3'] }],
    testMinutes: 0,
    demandedBy: servers,
  },
  {
    ...{ id: 'mlflow', title: pythonSupplies.mlflow.title, supplies: [pythonSupplies.mlflow, mlflowLoginSupply] },
    tests: 'real model servers, and MLflow as the registry of models',
    runsWith: ['python3'],
    ways: [{ title: 'from PyPI, 800 MB on the disk', minutes: 3, with: ['python3'] }],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'spark', title: pythonSupplies.spark.title, supplies: [pythonSupplies.spark] },
    tests: 'the ETL by Spark and the flow by Prefect of `examples/ecg`',
    runsWith: ['python3', 'java'],
    ways: [{ title: 'from PyPI, about 1 GB on the disk', minutes: 4, with: ['python3'] }],
    testMinutes: 2,
    demandedBy: servers,
  },
  {
    ...{ id: 'pythonPackages', title: 'clients in Python and Schemathesis' },
    supplies: [pythonClientsSupply, pythonClassifierSupply, schemathesisSupply],
    tests: 'clients and a classifier in Python, and requests made from the OpenAPI document',
    runsWith: ['python3'],
    ways: [{ title: 'from PyPI, about 100 MB on the disk', minutes: 1, with: ['python3'] }],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'onnx', title: onnxSupply.title, supplies: [onnxSupply] },
    tests: 'ONNX models that are no forests',
    runsWith: [],
    ways: [{ title: 'from npm, 290 MB on the disk', minutes: 1, with: ['npm'] }],
    testMinutes: 0,
    demandedBy: servers,
  },
  {
    ...{ id: 'actionlint', title: actionlint.supply.title, supplies: [actionlint.supply] },
    tests: 'the workflows of `.github/`',
    runsWith: [],
    ways: [{ title: 'build with Go, half a minute', minutes: 1, with: ['go'] }],
    testMinutes: 0,
    demandedBy: servers,
  },
  {
    ...{ id: 'versitygw', title: versitygw.supply.title, supplies: [versitygw.supply] },
    tests: 'exports to object storage',
    runsWith: [],
    ways: [{ title: 'build with Go, about a minute', minutes: 1, with: ['go'] }],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'oldestNode', title: oldestNodeSupply.title, supplies: [oldestNodeSupply] },
    tests: 'the package on the oldest Node that it takes',
    runsWith: ['npm'],
    ways: [{ title: 'from npm, 120 MB on the disk', minutes: 1, with: ['npm'] }],
    testMinutes: 1,
    demandedBy: servers,
  },
  {
    ...{ id: 'promtool', title: promtoolSupply.title, supplies: [promtoolSupply] },
    tests: 'the alert rules for Prometheus',
    runsWith: [],
    ways: [{ title: "unpack Debian's package, 20 MB", minutes: 1, with: ['apt-get'], linuxOnly: true }],
    testMinutes: 0,
    demandedBy: servers,
  },
  {
    ...{ id: 'kubernetes', title: 'kustomize, kubeconform and schemas of Kubernetes' },
    supplies: [kustomize.supply, kubeconform.supply, kubernetesSchemas],
    tests: 'the base for Kubernetes',
    runsWith: [],
    ways: [{ title: 'build with Go, about two minutes', minutes: 2, with: ['go'] }],
    testMinutes: 0,
    demandedBy: servers,
  },
  {
    ...{ id: 'browser', title: 'Chromium', supplies: [] },
    tests: 'the live page in a browser',
    runsWith: [],
    ways: [],
    testMinutes: 1,
    demandedBy: 'GAPLINE_REQUIRE_BROWSER',
  },
  {
    ...{ id: 'campaign', title: 'the fault campaign', supplies: [] },
    tests: 'three minutes of faults on the real stack',
    runsWith: [],
    ways: [],
    needs: ['kafka', 'influxdb', 'telegraf'],
    testMinutes: 4,
    demandedBy: servers,
  },
  {
    ...{ id: 'compose', title: 'Docker with Compose', supplies: [] },
    tests: 'the stack of the two compose files',
    runsWith: ['docker'],
    ways: [{ title: 'images of the stack: pulled, about 1 GB', minutes: 5, with: ['docker'] }],
    testMinutes: 5,
    demandedBy: 'GAPLINE_REQUIRE_COMPOSE',
  },
];
