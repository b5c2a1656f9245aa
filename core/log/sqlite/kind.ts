import type { LogEngineKind } from '../engine-kind.ts';

/** The embedded log: whatever is not an address with a scheme is the path of its file. */
export const sqlite: LogEngineKind = {
  form: 'a file',
  takes: (url) => url === undefined || !/^[a-z]+:\/\//i.test(url),
  async open({ url, file, logger, compress = false }) {
    const { createSqliteLog } = await import('../sqlite.ts');
    return createSqliteLog({ file: url ?? file(), logger, packing: compress && {} });
  },
};
