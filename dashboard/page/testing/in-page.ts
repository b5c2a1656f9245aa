import type { Page } from 'playwright-core';

/** Whether something is drawn in a chart beside its axes: pixels in the middle of the canvas that are not transparent. */
export async function isDrawn(page: Page, chart: string): Promise<boolean> {
  return page.evaluate((id) => {
    const canvas = document.querySelector<HTMLCanvasElement>(`#${id}-chart canvas`);
    const { width = 0, height = 0 } = canvas ?? {};
    const right = canvas?.getContext('2d')?.getImageData(width * 0.75, 0, width * 0.24, height * 0.8).data ?? [];
    // Grid lines are one colour; whatever draws data adds others.
    const colours = new Set<string>();
    for (let at = 0; at < right.length; at += 4) colours.add(right.slice(at, at + 4).join());
    return colours.size > 3;
  }, chart);
}

/** Which share of a chart's columns has pixels in the colour of gaps. Runs in the page. */
export function shadedShare(id: string): number {
  const canvas = document.querySelector<HTMLCanvasElement>(`#${id} canvas`);
  const { width = 0, height = 0 } = canvas ?? {};
  const row = canvas?.getContext('2d')?.getImageData(0, Math.floor(height * 0.6), width, 1).data ?? [];
  let shaded = 0;
  for (let at = 0; at < row.length; at += 4) {
    const [red = 0, , blue = 0, alpha = 0] = row.slice(at, at + 4);
    if (alpha > 20 && red > blue + 40) shaded += 1;
  }
  return shaded / Math.max(1, width);
}

/** Every layout shift since the page began, with what moved. */
export const shifts = (page: Page) => page.evaluate(() => (window as unknown as { shifts: unknown[] }).shifts);

/** Contrast of text by WCAG 2.2, of every pair of colours in which text is written. Runs in the page. */
export function contrasts(): Record<string, number> {
  const probe = document.createElement('i');
  document.body.append(probe);
  const luminance = (name: string) => {
    probe.style.setProperty('color', `var(--${name})`);
    const channels = getComputedStyle(probe)
      .color.match(/[\d.]+/g)!
      .slice(0, 3);
    const [red, green, blue] = channels.map((channel) => {
      const share = Number(channel) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  };
  const pairs = [
    ['ink', 'card'],
    ['muted', 'card'],
    ['muted', 'page'],
    ['accent', 'card'],
    ['accent', 'page'],
    ['gap', 'card'],
    ['bad', 'bad-page'],
    ['ink', 'warn-page'],
    ['card', 'accent'],
    ['ink', 'grid'],
  ];
  const ratios: Record<string, number> = {};
  for (const [text, ground] of pairs) {
    const [light, dark] = [luminance(text!), luminance(ground!)].sort((a, b) => b - a);
    ratios[`${text} on ${ground}`] = (light! + 0.05) / (dark! + 0.05);
  }
  probe.remove();
  return ratios;
}
