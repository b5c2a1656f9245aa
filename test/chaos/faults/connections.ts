import type { KeyedRandom } from '../../../core/numeric/random/keyed-random.ts';
import type { HttpDoor } from '../proxies/http-door.ts';
import type { KafkaDoor } from '../proxies/kafka-door.ts';
import { between, type Fault, oneOf, seconds } from './fault.ts';

const cutSeconds = 10;
const slowSeconds = 15;

/** Connections break off again and again, in the middle of requests and of answers; at times no new one comes about. */
const cut = (name: 'devices' | 'kafka' | 'influxdb'): Fault => ({
  name: `cut connections of ${name}`,
  touches: [`connections of ${name}`],
  seconds: cutSeconds,
  async strike({ doors }, random) {
    const door = doors[name];
    const untilMs = performance.now() + cutSeconds * 1_000;
    while (performance.now() < untilMs) {
      const away = random.next() < 0.3;
      if ('mood' in door) cutHttp(door, away, random);
      else cutKafka(door, away, random);
      await seconds(between(random, 0.2, 2));
    }
    if ('mood' in door) door.calm();
    else door.refusing = false;
  },
});

function cutHttp(door: HttpDoor, away: boolean, random: KeyedRandom): void {
  const ways = away ? (['refuse'] as const) : (['pass', 'refuse', 'half'] as const);
  door.mood = () => ({ way: oneOf(random, ways) });
  door.cut();
}

function cutKafka(door: KafkaDoor, away: boolean, random: KeyedRandom): void {
  door.refusing = away;
  door.cut(() => away || random.next() < 0.5);
}

/** Whatever passes takes long. */
const slow = (name: 'devices' | 'kafka' | 'influxdb'): Fault => ({
  name: `slow connections of ${name}`,
  touches: [`connections of ${name}`],
  seconds: slowSeconds,
  async strike({ doors }, random) {
    const door = doors[name];
    if ('mood' in door) door.mood = () => ({ way: 'pass', delayMs: between(random, 100, 3_000) });
    else door.delayMs = between(random, 50, 700);
    await seconds(slowSeconds);
    if ('mood' in door) door.calm();
    else door.delayMs = 0;
  },
});

const names = ['devices', 'kafka', 'influxdb'] as const;

export const connectionFaults: Fault[] = [...names.map(cut), ...names.map(slow)];
