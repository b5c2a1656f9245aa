import type { LogEngineKind } from '../engine-kind.ts';

/** The log on Apache Kafka, with TLS at `kafkas://`; `kafkajs://` and `platformatic://` choose the client. */
export const kafka: LogEngineKind = {
  form: 'kafka://HOST:PORT',
  takes: (url) => url !== undefined && /^(kafkas?|(kafkajs|platformatic)(\+tls)?):/.test(url),
  async open({ url = '', logger, waitMs, secrets }) {
    const { createKafkaLog } = await import('../kafka.ts');
    return createKafkaLog({ url, logger, ...secrets?.(), ...(waitMs !== undefined && { waitMs }) });
  },
};
