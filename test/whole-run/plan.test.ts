import { describe, expect, it } from 'vitest';
import { parts } from './parts.ts';
import { announcement, demandedButLeftOut, farewell, type Machine, minutesOf, planRun } from './plan.ts';

const everything = [
  'java',
  'mvn',
  'go',
  'cargo',
  'clang',
  'protoc',
  'python3',
  'npm',
  'chromium',
  'docker',
  'openssl',
  'apt-get',
];

const machine = ({ without = [] as string[], cached = [] as string[], linux = true } = {}): Machine => ({
  linux,
  has: (command) => everything.includes(command) && !without.includes(command),
  holds: ({ id }) => [...cached, 'browser', 'campaign'].includes(id),
});
const titles = (found: readonly { part: { id: string } }[]) => found.map(({ part }) => part.id);

describe('a run of everything', () => {
  it('leaves nothing out where every tool is there, and says what it gets', () => {
    const plan = planRun(parts, machine());
    expect(plan.leftOut).toEqual([]);
    expect(titles(plan.gets)).toEqual(parts.map(({ id }) => id).filter((id) => id !== 'browser' && id !== 'campaign'));
    expect(announcement(plan)).toMatch(
      /Gets, once: Kafka .*\n.*Gets, once: InfluxDB .*download.*; where that fails: build/,
    );
    expect(farewell(plan.leftOut)).toBe('Nothing was left out.');
  });

  it('gets nothing twice: what the cache holds is used', () => {
    const plan = planRun(parts, machine({ cached: parts.map(({ id }) => id) }));
    expect(plan.gets).toEqual([]);
    expect(minutesOf(plan).get).toBe(0);
    expect(announcement(plan)).toMatch(/^Uses: Kafka /m);
    expect(announcement(plan)).not.toContain('Gets, once');
  });

  it.each([
    ['java', ['kafka', 'spark', 'campaign']],
    ['docker', ['compose']],
    ['go', ['actionlint', 'kubernetes']],
    ['python3', ['scikitLearn', 'mlflow', 'spark', 'pythonPackages']],
  ])('leaves out what needs `%s` where that is missing, and says so twice', (command, without) => {
    const plan = planRun(parts, machine({ without: [command] }));
    expect(titles(plan.leftOut)).toEqual(expect.arrayContaining(without));
    const whole = parts.filter(({ id }) => without.includes(id));
    for (const { title, tests } of whole) {
      expect(announcement(plan)).toContain(`Leaves out: ${title}, because`);
      expect(farewell(plan.leftOut)).toContain(`- ${tests}: ${title} is missing`);
    }
    expect(farewell(plan.leftOut)).toContain(`\`${command}\``);
    // Everything else is tested all the same.
    const tested = [...plan.ready, ...plan.gets.map(({ part }) => part)].map(({ id }) => id);
    expect(tested).toHaveLength(parts.length - plan.leftOut.length);
    expect(tested.filter((id) => without.includes(id))).toEqual([]);
  });

  it('downloads InfluxDB and Telegraf where nothing can build them, and builds nothing for another system than Linux', () => {
    const plan = planRun(parts, machine({ without: ['go', 'cargo'] }));
    const influxdb = plan.gets.find(({ part }) => part.id === 'influxdb')!;
    expect(influxdb.ways.map(({ title }) => title)).toEqual([expect.stringMatching(/^download/)]);
    expect(titles(planRun(parts, machine({ linux: false })).leftOut)).toEqual([
      'influxdb',
      'telegraf',
      'promtool',
      'campaign',
    ]);
  });
});

describe('what is demanded', () => {
  it('may not be left out', () => {
    const { leftOut } = planRun(parts, machine({ without: ['java', 'docker'] }));
    const named = (env: Record<string, string>) => titles(demandedButLeftOut(leftOut, env));
    expect(named({})).toEqual([]);
    expect(named({ GAPLINE_REQUIRE_SERVERS: '1' })).toEqual(['kafka', 'spark', 'campaign']);
    expect(named({ GAPLINE_REQUIRE_SERVERS: '1', GAPLINE_REQUIRE_COMPOSE: '1' })).toContain('compose');
    expect(named({ GAPLINE_REQUIRE_BROWSER: '1' })).toEqual([]);
  });
});
