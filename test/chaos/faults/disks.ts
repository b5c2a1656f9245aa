import { type Fault, seconds } from './fault.ts';

/** Kafka is unavailable and the spool's disk fills up; Kafka comes back before there is room again, so the spool drains on a full disk. */
export const fullSpool: Fault = {
  name: 'full disk under the spool',
  touches: ['collector', 'kafka', 'connections of kafka'],
  seconds: 22,
  possible: ({ disks }) => disks.spool !== undefined,
  async strike({ disks, proxies: { kafka } }) {
    kafka.refusing = true;
    kafka.cut(() => true);
    await seconds(8);
    await disks.spool?.fill();
    await seconds(6);
    kafka.refusing = false;
    await seconds(6);
    await disks.spool?.free();
  },
};

/** The broker ends when it cannot write; a supervisor starts it again once there is room. */
export const fullKafka: Fault = {
  name: 'full disk under Kafka',
  touches: ['kafka'],
  seconds: 30,
  possible: ({ disks }) => disks.kafka !== undefined,
  async strike({ disks, parts, tell }) {
    await disks.kafka?.fill();
    await seconds(10);
    await disks.kafka?.free();
    if (parts.kafka.alive) return;
    tell('Kafka ended on the full disk; it is started again');
    await parts.kafka.bringBack();
  },
};
