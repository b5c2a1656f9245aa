import { estimatorKind } from './estimator-kind.ts';
import { openHttp } from './http.ts';
import { httpEstimatorSchema } from './http-schema.ts';

export const http = estimatorKind({
  schema: httpEstimatorSchema,
  open: (server, { columns, classes }) => openHttp({ server, fields: columns, classes }),
});
