import type { Point } from '../wire/point.ts';
import { typeFault } from './fault.ts';

/**
 * The types of fields, learnt from the server. InfluxDB itself guards a type only within one shard (a day or a week): across two it
 * takes a second type with a 204, and reads then see one of them only.
 */
export interface FieldTypes {
  /** Queries the server for fields that are not known yet. */
  learn(points: readonly Point[]): Promise<void>;
  /** Why a point's types are refused. The first use of an unknown field decides its type. */
  fault(point: Point): string | undefined;
  /** Clears the cache, after a write that may not have made its fields. */
  forget(): void;
}

type Types = Map<string, string>;

/** The most measurements in the cache; beyond that it is cleared and queried again. */
const maxMeasurements = 1_000;

/** @param ask returns the types (`number`, `string`, `boolean` or another) of a measurement's fields, by name. */
export function createFieldTypes(ask: (measurement: string) => Promise<Types>): FieldTypes {
  const known = new Map<string, Types>();

  function typesOf(measurement: string): Types {
    let types = known.get(measurement);
    if (types === undefined) {
      if (known.size >= maxMeasurements) known.clear();
      types = new Map();
      known.set(measurement, types);
    }
    return types;
  }

  function unknown({ measurement, fields }: Point): boolean {
    const types = known.get(measurement);
    return types === undefined || Object.keys(fields).some((name) => !types.has(name));
  }

  return {
    async learn(points) {
      for (const measurement of new Set(points.filter(unknown).map((point) => point.measurement))) {
        const learnt = await ask(measurement);
        const types = typesOf(measurement);
        for (const [name, type] of learnt) if (!types.has(name)) types.set(name, type);
      }
    },

    fault({ measurement, fields }) {
      const types = typesOf(measurement);
      const names = Object.keys(fields);
      for (const name of names) {
        const [type, before] = [typeof fields[name] as 'number' | 'string' | 'boolean', types.get(name)];
        if (before !== undefined && before !== type) return typeFault(name, type, before);
      }
      for (const name of names) if (!types.has(name)) types.set(name, typeof fields[name]);
      return undefined;
    },

    forget: () => known.clear(),
  };
}
