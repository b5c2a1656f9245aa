/** Something beside Node and npm packages that a whole test run uses. */
export interface Part {
  readonly id: string;
  readonly title: string;
  /** What is left out of the run without it, in words. */
  readonly tests: string;
  /** Commands that it takes to run the part. */
  readonly runsWith: readonly string[];
  /** The ways to get it, tried in this order; none: it has to be on the machine already. */
  readonly ways: readonly Way[];
  /** How long its tests take on two cores, in minutes. */
  readonly testMinutes: number;
  /** The variable that makes its absence an error. */
  readonly demandedBy: 'GAPLINE_REQUIRE_SERVERS' | 'GAPLINE_REQUIRE_BROWSER' | 'GAPLINE_REQUIRE_COMPOSE';
  /** Other parts, by id, whose absence leaves this one out too. */
  readonly needs?: readonly string[];
}

/** One way to get a part. */
export interface Way {
  /** What happens, such as `download about 50 MB`. */
  readonly title: string;
  /** How long it takes, in minutes. */
  readonly minutes: number;
  /** Commands that it takes. */
  readonly with: readonly string[];
  /** Only where programs for Linux run. */
  readonly linuxOnly?: boolean;
}

/** What a machine offers. */
export interface Machine {
  readonly linux: boolean;
  /** Whether a command works, `docker` with an engine that answers. */
  has(command: string): boolean;
  /** Whether a part is in the cache, or named by the environment. */
  holds(part: Part): boolean;
}

/** A part that a run does without, and the reason. */
export interface LeftOut {
  readonly part: Part;
  readonly reason: string;
}

/** What a run will do. */
export interface Plan {
  /** Used as they are. */
  readonly ready: readonly Part[];
  /** Got first; the ways that can work here. */
  readonly gets: readonly { readonly part: Part; readonly ways: readonly Way[] }[];
  readonly leftOut: readonly LeftOut[];
}

/** Minutes of the checks and of the tests that need none of the parts. */
const baseMinutes = 5;

/** Decides, part by part in their order, what this machine can test. */
export function planRun(parts: readonly Part[], machine: Machine): Plan {
  const ready: Part[] = [];
  const gets: { part: Part; ways: readonly Way[] }[] = [];
  const leftOut: LeftOut[] = [];
  for (const part of parts) {
    const ways = part.ways.filter((way) => wayIsOpen(way, machine));
    const reason = whyNot(part, ways, machine, leftOut);
    if (reason !== undefined) leftOut.push({ part, reason });
    else if (machine.holds(part)) ready.push(part);
    else gets.push({ part, ways });
  }
  return { ready, gets, leftOut };
}

const wayIsOpen = (way: Way, { linux, has }: Machine): boolean => (linux || !way.linuxOnly) && way.with.every(has);

function whyNot(part: Part, open: readonly Way[], machine: Machine, leftOut: readonly LeftOut[]): string | undefined {
  const missing = part.runsWith.filter((command) => !machine.has(command));
  if (missing.length > 0) return `${missing.map(quote).join(' and ')} is missing`;
  const absent = leftOut.find((other) => part.needs?.includes(other.part.id));
  if (absent) return `it needs ${absent.part.title}`;
  if (machine.holds(part) || open.length > 0) return undefined;
  const wanted = part.ways.map((way) => way.with.map(quote).join(' and ')).filter((words) => words !== '');
  return wanted.length > 0 ? `getting it takes ${wanted.join(', or ')}` : 'it is not on this machine';
}

const quote = (command: string): string => `\`${command}\``;

/** How long a run takes on two cores, in minutes: from where everything is got at once to where nothing has to be got. */
export function minutesOf({ ready, gets }: Plan): { readonly get: number; readonly test: number } {
  const tested = [...ready, ...gets.map(({ part }) => part)];
  return {
    // They are got at the same time; the first way that can work counts.
    get: Math.max(0, ...gets.map(({ ways }) => ways[0]!.minutes)),
    test: baseMinutes + tested.reduce((sum, part) => sum + part.testMinutes, 0),
  };
}

/** What is said before anything is got, built or started. */
export function announcement(plan: Plan): string {
  const { get, test } = minutesOf(plan);
  const lines = ['First lint and types, then the whole test suite.'];
  if (plan.ready.length > 0) lines.push(`Uses: ${plan.ready.map(({ title }) => title).join(', ')}.`);
  for (const { part, ways } of plan.gets) {
    lines.push(`Gets, once: ${part.title} (${ways.map(({ title }) => title).join('; where that fails: ')}).`);
  }
  for (const { part, reason } of plan.leftOut) lines.push(`Leaves out: ${part.title}, because ${reason}.`);
  if (plan.gets.length > 0) lines.push(`Getting takes about ${get} minutes on two cores, more where a download fails.`);
  lines.push(`The run takes about ${test} minutes on two cores. In a hurry: \`npm run test:quick\`.`);
  return lines.join('\n');
}

/** What is said at the end: which tests did not run, and why. */
export function farewell(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return 'Nothing was left out.';
  const lines = leftOut.map(({ part, reason }) => `- ${part.tests}: ${part.title} is missing, because ${reason}`);
  return ['NOT TESTED on this machine:', ...lines].join('\n');
}

/** Parts that the environment demands and that are left out; the run must fail then. */
export function demandedButLeftOut(
  leftOut: readonly LeftOut[],
  env: Readonly<Record<string, string | undefined>>,
): readonly LeftOut[] {
  return leftOut.filter(({ part }) => env[part.demandedBy] === '1');
}
