// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { logContract } from './contract.ts';
import { makeKafkaSite, withoutKafka } from './kafka/site.ts';

logContract('Kafka', () => makeKafkaSite(), withoutKafka);
