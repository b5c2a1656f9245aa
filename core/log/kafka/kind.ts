import type { LogEngineKind } from '../engine-kind.ts';

/** The log on Apache Kafka, with TLS at `kafkas://`. */
export const kafka: LogEngineKind = {
  form: 'kafka://HOST:PORT',
  takes: (url) => url !== undefined && /^kafkas?:/.test(url),
  async open({ url = '', logger, waitMs, secrets }) {
    const { createKafkaLog } = await import('../kafka.ts');
    return createKafkaLog({ url, logger, ...secrets?.(), ...(waitMs !== undefined && { waitMs }) });
  },
};
