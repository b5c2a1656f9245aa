// The runner starts a Kafka for files that name GAPLINE_TEST_KAFKA.
import { logContract } from './contract.ts';
import { kafkaUnderTest, withoutKafka } from './kafka/testing.ts';

logContract('Kafka by @platformatic/kafka', () => kafkaUnderTest({}, 'platformatic'), withoutKafka);
