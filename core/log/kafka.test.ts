import { logContract } from './contract.ts';
import { makeKafkaSite } from './kafka/site.ts';

logContract('Kafka', () => makeKafkaSite());
