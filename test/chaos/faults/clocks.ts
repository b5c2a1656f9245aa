import { type Fault, oneOf, seconds } from './fault.ts';

/** Further back than an hour, devices with right clocks would be refused as ahead of the time, and rightly. */
const jumpsSeconds = [-600, -40, 40, 3_700, 86_400];

export const clockJumps: Fault = {
  name: 'the clock jumps',
  touches: ['clock'],
  seconds: 12,
  async strike({ setClock, tell }, random) {
    for (let jump = 0; jump < 2; jump += 1) {
      const offset = oneOf(random, jumpsSeconds);
      tell(`the clock is off by ${offset} s`);
      await setClock(offset * 1_000);
      await seconds(6);
    }
    await setClock(0);
  },
};
