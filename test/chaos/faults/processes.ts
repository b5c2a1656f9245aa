import { partNames } from '../stack.ts';
import { between, type Fault, seconds } from './fault.ts';

const stoppedSeconds = 20;
/** A broker waits until the registration of the killed one expires. */
const comesBackSeconds = { kafka: 14, collector: 4, classifier: 4, archive: 4, telegraf: 2, influxdb: 2 };

/** kill -9, and started again after a moment. */
export const kills: Fault[] = partNames.map((name) => ({
  name: `kill ${name}`,
  touches: [name],
  seconds: comesBackSeconds[name] + 2,
  async strike({ parts }, random) {
    await parts[name].kill();
    await seconds(between(random, 0, 4));
    await parts[name].bringBack();
  },
}));

/** SIGSTOP: connections stay open, nothing is answered. */
export const stops: Fault[] = partNames.map((name) => ({
  name: `stop ${name}`,
  touches: [name],
  seconds: stoppedSeconds,
  async strike({ parts }) {
    await parts[name].pause();
    await seconds(stoppedSeconds);
    parts[name].resume();
  },
}));
