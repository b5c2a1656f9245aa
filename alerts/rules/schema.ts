import { z } from 'zod';
import { parseDuration, span } from '../../core/wire/duration.ts';
import { stageNames } from '../../core/wire/status.ts';

const name = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'letters, digits, dot, dash and underscore, at most 100')
    .describe(what);
const variable = (what: string) =>
  z
    .string()
    .regex(/^[A-Z_][A-Z0-9_]*$/, 'the name of a variable of the environment, like GAPLINE_WEBHOOK_SECRET')
    .describe(what);

/** The keys of which each rule has exactly one: they say what it looks at. */
const kinds = ['label', 'gaps', 'silent', 'drift', 'lag'] as const;
export type RuleKind = (typeof kinds)[number];

/** Time is looked at every second at most, so shorter silences would only be found late. */
const leastSilenceNs = 5e9;

const ruleKeys = z.strictObject({
  name: name('what it is called, in messages too'),
  label: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(100)])
    .optional()
    .describe('fires on this label, or one of a list')
    .meta({ values: 'string, or a list of them' }),
  probability: z.number().min(0).max(1).optional().describe('with label: how probable it must be, at least'),
  gaps: z.number().min(0).max(1).optional().describe('fires on this share of missing values in a reading, or more'),
  silent: span().optional().describe('fires when no reading of a device arrived for so long; 5s at least'),
  drift: z.int().min(1).max(5_000).optional().describe('fires when so many fields have drifted from the training data'),
  lag: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe('fires when a stage has so many records before it, or more'),
  stage: z.enum(stageNames).optional().describe('with lag: which stage; default classifier'),
  readings: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('with label or gaps: for so many readings or windows of a device in a row; default 1'),
  for: span().optional().describe('for so long: of label and gaps by the time of the readings'),
  recover: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('with label or gaps: resolved after so many others in a row; default as readings'),
});

type RuleKeys = z.infer<typeof ruleKeys>;

/** What is wrong with a key, beside the others. */
interface Contradiction {
  readonly key?: keyof RuleKeys;
  readonly message: string;
}

const ruleSchema = ruleKeys.superRefine((rule, context) => {
  const problem = contradictionIn(rule);
  if (!problem) return;
  const { key, message } = problem;
  context.addIssue({ code: 'custom', message, ...(key && { path: [key] }), input: key ? rule[key] : rule });
});

/** What is wrong with a rule whose keys are right one by one; undefined where nothing is. */
function contradictionIn(rule: RuleKeys): Contradiction | undefined {
  const found = kinds.filter((kind) => rule[kind] !== undefined);
  const [, second] = found;
  if (found.length !== 1) {
    const message = `expected one of ${kinds.join(', ')} in a rule, found ${found.join(' and ') || 'none'}`;
    return second ? { key: second, message } : { message };
  }
  const stray = strayIn(rule);
  if (stray) return stray;
  if (rule.readings !== undefined && rule.for !== undefined)
    return { key: 'for', message: 'a rule has readings or for, not both' };
  if (rule.silent === undefined) return undefined;
  if (rule.for !== undefined) return { key: 'for', message: 'silent says already for how long' };
  const isShort = (parseDuration(rule.silent) ?? 0) < leastSilenceNs;
  return isShort ? { key: 'silent', message: 'silent is 5s at least' } : undefined;
}

/** A key that says nothing in a rule that looks at something else. */
function strayIn(rule: RuleKeys): Contradiction | undefined {
  const onPredictions = rule.label !== undefined || rule.gaps !== undefined;
  if (rule.probability !== undefined && rule.label === undefined)
    return { key: 'probability', message: 'probability stands with label only' };
  if (rule.stage !== undefined && rule.lag === undefined)
    return { key: 'stage', message: 'stage stands with lag only' };
  const key = (['readings', 'recover'] as const).find((each) => rule[each] !== undefined);
  if (onPredictions || !key) return undefined;
  return { key, message: `${key} stands with label or gaps only` };
}

const webhookSchema = z
  .strictObject({
    name: name('what it is called; names its consumer group'),
    url: z
      .url({ protocol: /^https?$/, message: 'an address like https://HOST/PATH' })
      .optional()
      .describe('where alerts are POSTed'),
    urlFrom: variable('the variable of the environment that holds the address, in place of url').optional(),
    secretFrom: variable(
      'the variable that holds the secret of the signature, and must be set; default GAPLINE_WEBHOOK_SECRET, and unsigned without it',
    ).optional(),
    allowPrivate: z.boolean().default(false).describe('whether it may be at a private, loopback or link-local address'),
  })
  .refine(
    ({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined),
    'expected one of url and urlFrom in a webhook',
  );

/** Refuses the second of two entries with one name. */
function namesDiffer(entries: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name: own }] of entries.entries()) {
    if (seen.has(own))
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        input: own,
        message: 'expected a name that no other has',
      });
    seen.add(own);
  }
}

/** The `alerts` of `stream.yaml`. */
export const alertsSchema = z.strictObject({
  rules: z.array(ruleSchema).max(100).superRefine(namesDiffer).default([]).describe('what raises an alert'),
  webhooks: z
    .array(webhookSchema)
    .max(10)
    .superRefine(namesDiffer)
    .default([])
    .describe('who is told; each is sent every alert'),
  promotions: z.boolean().default(false).describe('whether webhooks are also told when another model version serves'),
  giveUpAfter: span().default('1d').describe('how long a webhook that does not take an alert is tried'),
});

export type AlertsConfig = z.infer<typeof alertsSchema>;
export type WebhookConfig = z.infer<typeof webhookSchema>;
export type RuleConfig = RuleKeys;
