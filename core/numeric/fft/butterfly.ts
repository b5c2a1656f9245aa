import { type Code, Frame, f64x2, get, type Local, set } from '../wasm.ts';

/** A complex number of two vectors, in two variables. */
interface Complex {
  readonly re: Local;
  readonly im: Local;
}

/** Variables of a pass, shared by all passes of a transform. */
export class Variables {
  readonly frame = new Frame();
  readonly #taken = new Map<string, Local>();

  of(name: string, type: 'i32' | 'v128'): Local {
    const known = this.#taken.get(name);
    if (known) return known;
    const local = this.frame.local(type);
    this.#taken.set(name, local);
    return local;
  }

  complex(name: string): Complex {
    return { re: this.of(`${name}.re`, 'v128'), im: this.of(`${name}.im`, 'v128') };
  }
}

/** Harmonic `k` of a butterfly, real and imaginary part, once the statements before it were worked through. */
export interface Harmonic {
  readonly re: Code;
  readonly im: Code;
}

const { add, subtract, multiply } = f64x2;

/** The transform of `radix` numbers that stand in the variables x0, x1, …: statements, and then its harmonics. */
export function butterfly(radix: number, variables: Variables): { statements: Code[]; harmonics: Harmonic[] } {
  if (radix === 2) return radix2(variables);
  if (radix === 4) return radix4(variables);
  return oddRadix(radix, variables);
}

function radix2(variables: Variables) {
  const [a, b] = [variables.complex('x0'), variables.complex('x1')];
  const both = (combine: typeof add): Harmonic => ({
    re: combine(get(a.re), get(b.re)),
    im: combine(get(a.im), get(b.im)),
  });
  return { statements: [], harmonics: [both(add), both(subtract)] };
}

function radix4(variables: Variables) {
  const x = (at: number) => variables.complex(`x${at}`);
  const statements: Code[] = [];
  const combined = (name: string, combine: typeof add, a: Complex, b: Complex): Complex => {
    const to = variables.complex(name);
    statements.push(set(to.re, combine(get(a.re), get(b.re))), set(to.im, combine(get(a.im), get(b.im))));
    return to;
  };
  const s0 = combined('s0', add, x(0), x(2));
  const d0 = combined('d0', subtract, x(0), x(2));
  const s1 = combined('s1', add, x(1), x(3));
  const d1 = combined('d1', subtract, x(1), x(3));
  const harmonics: Harmonic[] = [
    { re: add(get(s0.re), get(s1.re)), im: add(get(s0.im), get(s1.im)) },
    { re: add(get(d0.re), get(d1.im)), im: subtract(get(d0.im), get(d1.re)) },
    { re: subtract(get(s0.re), get(s1.re)), im: subtract(get(s0.im), get(s1.im)) },
    { re: subtract(get(d0.re), get(d1.im)), im: add(get(d0.im), get(d1.re)) },
  ];
  return { statements, harmonics };
}

/** Inputs j and radix - j meet the same cosines and opposite sines, so that each product serves two harmonics. */
function oddRadix(radix: number, variables: Variables) {
  const half = (radix - 1) / 2;
  const first = variables.complex('x0');
  const statements: Code[] = [];
  const pairs = Array.from({ length: half }, (_, at) => {
    const [a, b] = [variables.complex(`x${at + 1}`), variables.complex(`x${radix - at - 1}`)];
    const [sum, difference] = [variables.complex(`s${at}`), variables.complex(`d${at}`)];
    for (const part of ['re', 'im'] as const)
      statements.push(
        set(sum[part], add(get(a[part]), get(b[part]))),
        set(difference[part], subtract(get(a[part]), get(b[part]))),
      );
    return { sum, difference };
  });
  const total = (part: 're' | 'im'): Code =>
    pairs.reduce((code, { sum }) => add(code, get(sum[part])), get(first[part]));
  const harmonics: Harmonic[] = [{ re: total('re'), im: total('im') }];
  for (let k = 1; k <= half; k++) {
    const [even, odd] = [variables.complex(`even${k}`), variables.complex(`odd${k}`)];
    const angle = (j: number) => (2 * Math.PI * ((j * k) % radix)) / radix;
    for (const part of ['re', 'im'] as const) {
      const evenCode = pairs.reduce(
        (code, { sum }, at) => add(code, multiply(f64x2.constant(Math.cos(angle(at + 1))), get(sum[part]))),
        get(first[part]),
      );
      const products = pairs.map(({ difference }, at) =>
        multiply(f64x2.constant(Math.sin(angle(at + 1))), get(difference[part])),
      );
      statements.push(
        set(even[part], evenCode),
        set(
          odd[part],
          products.reduce((a, b) => add(a, b)),
        ),
      );
    }
    harmonics[k] = { re: add(get(even.re), get(odd.im)), im: subtract(get(even.im), get(odd.re)) };
    harmonics[radix - k] = { re: subtract(get(even.re), get(odd.im)), im: add(get(even.im), get(odd.re)) };
  }
  return { statements, harmonics };
}
