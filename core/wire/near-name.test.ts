import { expect, test } from 'vitest';
import { nearName, suggestName } from './near-name.ts';

test('the near name is one that differs in case, or by few letters', () => {
  expect(nearName('RPM', ['temp', 'rpm'])).toBe('rpm');
  expect(nearName('rpmx', ['temp', 'rpm'])).toBe('rpm');
  expect(nearName('tempreature', ['temp', 'temperature'])).toBe('temperature');
  expect(nearName('nmae', ['alias', 'name'])).toBe('name');
  expect(nearName('devises', ['rate', 'devices'])).toBe('devices');
});

test('a short name is not near to every other short name', () => {
  expect(nearName('ab', ['xy', 'temp'])).toBeUndefined();
  expect(nearName('usage', ['temp', 'hum'])).toBeUndefined();
});

test('without a near name the known ones are listed, within a bound', () => {
  expect(suggestName('usage', ['temp', 'hum'])).toBe('known are temp, hum');
  const many = Array.from({ length: 5_000 }, (_, index) => `sensor_${index}`);
  expect(suggestName('usage', many).length).toBeLessThan(200);
});
