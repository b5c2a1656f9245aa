import { z } from 'zod';
import { allDefinitions } from './registry.ts';

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly items?: Property;
  /** What a string holds, where it is not any string. */
  readonly values?: string;
}

/** The parameters of every step as tables, for `docs/signals.md`. */
export function stepsReference(): string {
  return allDefinitions
    .map(({ use, summary, params }) => {
      const { properties = {}, required = [] } = z.toJSONSchema(params, { io: 'input' });
      const rows = Object.entries(properties as Record<string, Property>).map(
        ([name, property]) =>
          `| \`${name}\` | ${property.description ?? ''} | ${valuesOf(property)} | ${defaultOf(property, required.includes(name))} |`,
      );
      const head = '| parameter | what it is | values | default |\n| --- | --- | --- | --- |';
      return `### ${use}\n\n${capital(summary)}.\n\n${head}\n${rows.join('\n')}`;
    })
    .join('\n\n');
}

function valuesOf({ type, enum: choices, minimum, exclusiveMinimum, maximum, items, values }: Property): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (type === 'array') return items ? `list of ${items.type === 'array' ? 'pairs' : valuesOf(items)}` : 'list';
  const kind = values ?? (type === 'integer' ? 'whole number' : (type ?? ''));
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum}${maximum ? `, up to ${maximum}` : ''}`;
  return minimum === undefined ? kind : `${kind}, ${minimum} to ${maximum}`;
}

function defaultOf(property: Property, isRequired: boolean): string {
  if (isRequired) return 'has to be given';
  return property.default === undefined ? '' : `\`${JSON.stringify(property.default)}\``;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
