import type { Part } from './parts.ts';
import type { HttpProxy } from './proxies/http-proxy.ts';

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
    pause: () => parts.forEach((part) => void part.pause()),
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
