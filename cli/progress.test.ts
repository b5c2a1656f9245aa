import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

function written(isTTY: boolean, use: (progress: Progress) => void): string {
  let text = '';
  const out = { isTTY, write: (part: string) => (text += part) } as unknown as NodeJS.WriteStream;
  use(new Progress(out));
  return text;
}

test('on a terminal a bar is drawn over itself, and taken off or left', () => {
  const draw = (progress: Progress) => {
    progress.show('rocket', 0.25, '1/4');
    progress.show('rocket', 0.5, '2/4');
  };
  const bars = `\r\x1b[2Krocket ${'█'.repeat(6)}${'░'.repeat(18)} 1/4\r\x1b[2Krocket ${'█'.repeat(12)}${'░'.repeat(12)} 2/4`;
  expect(written(true, draw)).toBe(bars);
  const cleared = (progress: Progress) => {
    draw(progress);
    progress.clear();
    progress.clear();
    progress.end();
  };
  expect(written(true, cleared)).toBe(`${bars}\r\x1b[2K`);
  const ended = (progress: Progress) => {
    draw(progress);
    progress.end();
  };
  expect(written(true, ended)).toBe(`${bars}\n`);
});

test('in a pipe there are plain lines, the last one always', () => {
  const text = written(false, (progress) => {
    for (let done = 1; done <= 100; done++) progress.show('rocket', done / 100, `${done}/100 windows`);
    progress.clear();
    progress.end();
  });
  expect(text).toMatch(/^(rocket \d+ % \d+\/100 windows\n)+$/);
  expect(text.split('\n').at(-2)).toBe('rocket 100 % 100/100 windows');
});
