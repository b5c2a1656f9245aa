import type { Part } from './parts.ts';
import type { HttpProxy } from './proxies/http-proxy.ts';
import type { KafkaProxy } from './proxies/kafka-proxy.ts';

/** Parts of several streams that are hit as one: killed at once, and back when all are. */
export function partsTogether(name: string, parts: readonly Part[]): Part {
  const all = async (act: (part: Part) => Promise<void>) => void (await Promise.all(parts.map(act)));
  const own = () => parts.reduce((sum, part) => sum + part.ownEnds, 0);
  let ends = 0;
  return {
    name,
    logFile: parts.map(({ logFile }) => logFile).join(' '),
    kill: () => all((part) => part.kill()),
    end: () => all((part) => part.end()),
    pause: () => all((part) => part.pause()),
    resume: () => parts.forEach((part) => void part.resume()),
    get alive() {
      return parts.every(({ alive }) => alive);
    },
    bringBack: () => all((part) => part.bringBack()),
    stop: () => all((part) => part.stop()),
    get ownEnds() {
      return ends + own();
    },
    set ownEnds(count) {
      ends = count - own();
    },
  };
}

/** What a proxy of HTTP can be told. */
export type Difficult = Pick<HttpProxy, 'mood' | 'cut' | 'calm'>;

/** Proxies of several streams that are difficult as one. */
export function proxiesTogether(proxies: readonly HttpProxy[]): Difficult {
  return {
    get mood() {
      return proxies[0]?.mood ?? (() => ({ way: 'pass' }));
    },
    set mood(mood) {
      for (const proxy of proxies) proxy.mood = mood;
    },
    cut: () => proxies.forEach((proxy) => void proxy.cut()),
    calm: () => proxies.forEach((proxy) => void proxy.calm()),
  };
}

/** Parts of which one is hit at a time, each in its turn: brokers, of which the others continue. */
export function oneByOne(name: string, parts: readonly Part[]): Part {
  let turn = -1;
  const next = (): Part => {
    turn = (turn + 1) % parts.length;
    return now();
  };
  const now = (): Part => {
    const part = parts[turn] ?? parts[0];
    if (!part) throw new Error(`there is no ${name}`);
    return part;
  };
  return {
    name,
    logFile: parts.map(({ logFile }) => logFile).join(' '),
    kill: () => next().kill(),
    end: () => next().end(),
    pause: () => next().pause(),
    resume: () => now().resume(),
    get alive() {
      return parts.every(({ alive }) => alive);
    },
    async bringBack() {
      await Promise.all(parts.filter(({ alive }) => !alive).map((part) => part.bringBack()));
    },
    stop: async () => void (await Promise.all(parts.map((part) => part.stop()))),
    ownEnds: 0,
  };
}

/** What a proxy of Kafka can be told. */
export type KafkaConnections = Pick<KafkaProxy, 'refusing' | 'delayMs' | 'hold' | 'held' | 'cut' | 'calm'>;

/** Proxies of several brokers that are difficult as one. */
export function kafkaTogether(proxies: readonly KafkaProxy[]): KafkaConnections {
  return {
    get refusing() {
      return proxies.some(({ refusing }) => refusing);
    },
    set refusing(refusing) {
      for (const proxy of proxies) proxy.refusing = refusing;
    },
    get delayMs() {
      return proxies[0]?.delayMs ?? 0;
    },
    set delayMs(delayMs) {
      for (const proxy of proxies) proxy.delayMs = delayMs;
    },
    get hold() {
      return proxies[0]?.hold;
    },
    set hold(hold) {
      for (const proxy of proxies) proxy.hold = hold;
    },
    get held() {
      return proxies.reduce((sum, { held }) => sum + held, 0);
    },
    cut: (chosen) => proxies.forEach((proxy) => void proxy.cut(chosen)),
    calm: () => proxies.forEach((proxy) => void proxy.calm()),
  };
}
