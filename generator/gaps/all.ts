// Every gap pattern by its name, one line each. `docs/gaps.md` says what each stands for.
export { burst } from './burst.ts';
export { device } from './device.ts';
export { random } from './random.ts';
export { value } from './value.ts';
