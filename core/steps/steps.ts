/** What a step of one's own is made from; also `z` of zod, which a file outside of the project could not import. */

export { z } from 'zod';
export { duration, nanosecondsOf, span } from '../wire/duration.ts';
export { type ByDeviceOptions, type DeviceStep, openByDevice } from './by-device.ts';
export { defineStep, type StepDefinition } from './definition.ts';
export type { Output } from './output.ts';
export { StepProblem } from './params.ts';
export * from './port.ts';
export type { StateReader, StateWriter } from './state.ts';
