import type { TrainingOptions } from '../../training/options.ts';

/** A way of ours to make a model that stands gaps. */
export interface Method {
  readonly name: string;
  /** Whether one model serves every case of a split; else there is one for each kind and share of gaps, as for the peers. */
  readonly forAllCases: boolean;
  readonly options: (trainRate: number) => TrainingOptions;
}

const base: TrainingOptions = { imputer: { kind: 'mean' }, trees: 200, seed: 1, engine: 'gapline', voting: 'mean' };
const gaussian = { kind: 'gaussian', transform: 'log1p' } as const;
const extra = { extraTrees: true };
const boosted = { trees: 400, boosted: { learningRate: 0.05, columnShare: 0.12 } };
const fourOf = (rate: number): number[] => [rate, rate, rate, rate];

/** Shares of gaps from none to half: what a model meets that knows nothing of its future. */
const everyRate = [0, 0.1, 0.3, 0.5, 0.1, 0.3, 0.5, 0.4];

const always = (name: string, options: Partial<TrainingOptions>): Method => ({
  name,
  forAllCases: true,
  options: () => ({ ...base, ...options }),
});
const byRate = (name: string, options: Partial<TrainingOptions>): Method => ({
  name,
  forAllCases: false,
  options: (rate) => ({ ...base, copies: fourOf(rate), ...options }),
});

const neighbours = { share: 0.35 };

/** What the README shows. */
export const bestMethod: Method = {
  name: 'conditional mean, 16 copies, boosted trees and neighbours',
  forAllCases: false,
  options: (rate) => ({
    ...base,
    imputer: gaussian,
    copies: new Array<number>(16).fill(rate),
    trees: 300,
    boosted: { learningRate: 0.05, columnShare: 0.15, rowShare: 0.3, models: 2 },
    neighbours,
  }),
};

export const methods: readonly Method[] = [
  always('mean', {}),
  always('conditional mean', { imputer: gaussian }),
  always('multiple imputation, 10 draws', { imputer: { ...gaussian, draws: 10 } }),
  byRate('mean, indicators, 4 copies', { indicators: true }),
  byRate('forest takes gaps, 4 copies', { imputer: { kind: 'passthrough' } }),
  byRate('conditional mean, 4 copies', { imputer: gaussian }),
  byRate('conditional mean, 4 copies, extra trees', { imputer: gaussian, forest: extra }),
  {
    name: 'boosted trees take gaps, 8 copies',
    forAllCases: false,
    options: (rate) => ({
      ...base,
      imputer: { kind: 'passthrough' },
      copies: [...fourOf(rate), ...fourOf(rate)],
      ...boosted,
    }),
  },
  byRate('conditional mean, 4 copies, boosted trees', { imputer: gaussian, ...boosted }),
  byRate('neighbours alone, 4 copies', { neighbours: { share: 1 }, trees: 1 }),
  always('conditional mean, 16 copies of every share, boosted trees and neighbours', {
    imputer: gaussian,
    copies: [...everyRate, ...everyRate],
    ...boosted,
    neighbours,
  }),
  bestMethod,
];
