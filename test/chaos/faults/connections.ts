import type { KeyedRandom } from '../../../core/numeric/random/keyed-random.ts';
import type { Difficult, KafkaConnections } from '../together.ts';
import { between, type Fault, oneOf, seconds } from './fault.ts';

const cutSeconds = 10;
const slowSeconds = 15;

/** Connections break off again and again, in the middle of requests and of answers; at times no new one comes about. */
const cut = (name: 'devices' | 'kafka' | 'influxdb'): Fault => ({
  name: `cut connections of ${name}`,
  touches: [`connections of ${name}`],
  seconds: cutSeconds,
  async strike({ proxies }, random) {
    const proxy = proxies[name];
    const untilMs = performance.now() + cutSeconds * 1_000;
    while (performance.now() < untilMs) {
      const unavailable = random.next() < 0.3;
      if ('mood' in proxy) cutHttp(proxy, unavailable, random);
      else cutKafka(proxy, unavailable, random);
      await seconds(between(random, 0.2, 2));
    }
    if ('mood' in proxy) proxy.calm();
    else proxy.refusing = false;
  },
});

function cutHttp(proxy: Difficult, unavailable: boolean, random: KeyedRandom): void {
  const ways = unavailable ? (['refuse'] as const) : (['pass', 'refuse', 'half'] as const);
  proxy.mood = () => ({ way: oneOf(random, ways) });
  proxy.cut();
}

function cutKafka(proxy: KafkaConnections, unavailable: boolean, random: KeyedRandom): void {
  proxy.refusing = unavailable;
  proxy.cut(() => unavailable || random.next() < 0.5);
}

/** Whatever passes takes long. */
const slow = (name: 'devices' | 'kafka' | 'influxdb'): Fault => ({
  name: `slow connections of ${name}`,
  touches: [`connections of ${name}`],
  seconds: slowSeconds,
  async strike({ proxies }, random) {
    const proxy = proxies[name];
    if ('mood' in proxy) proxy.mood = () => ({ way: 'pass', delayMs: between(random, 100, 3_000) });
    else proxy.delayMs = between(random, 50, 700);
    await seconds(slowSeconds);
    if ('mood' in proxy) proxy.calm();
    else proxy.delayMs = 0;
  },
});

const apartSeconds = 15;

/** Neither clients nor the other brokers reach one of three; it still reaches them, and leads its partitions until it is told otherwise. */
export const brokerApart: Fault = {
  name: 'one broker is cut off',
  touches: ['kafka', 'connections of kafka'],
  seconds: apartSeconds,
  possible: ({ brokersApart }) => brokersApart.length > 1,
  async strike({ brokersApart, tell }, random) {
    const broker = oneOf(random, brokersApart);
    tell(`broker ${brokersApart.indexOf(broker) + 1} is cut off`);
    broker.refusing = true;
    broker.cut(() => true);
    await seconds(apartSeconds);
    broker.refusing = false;
  },
};

const names = ['devices', 'kafka', 'influxdb'] as const;

export const connectionFaults: Fault[] = [...names.map(cut), ...names.map(slow)];
