import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, vi } from 'vitest';
import { findChromium, launchBrowser } from '../../testing/browser.ts';
import { Scene, type SceneOptions } from '../../testing/scene.ts';
import { look, type Misdeeds } from './look.ts';

const chromium = findChromium();
const here = chromium !== undefined || process.env.GAPLINE_REQUIRE_BROWSER === '1';
const why = here ? '' : ': NOT TESTED, no browser was found (install Chromium, or name one in GAPLINE_CHROMIUM)';
/** The machine may be busy with other things. */
const waiting = { timeout: 15_000, interval: 100 };

export const soon = (check: () => Promise<void>) => vi.waitFor(check, waiting);
export const text = async (page: Page, selector: string) => (await page.locator(selector).textContent())?.trim() ?? '';
export const number = (shown: string) => Number.parseFloat(shown.replaceAll(',', ''));

export function expectGood({ complaints, foreignRequests }: Misdeeds): void {
  expect(complaints).toEqual([]);
  expect(foreignRequests).toEqual([]);
}

interface Visited {
  readonly page: Page;
  readonly misdeeds: Misdeeds;
}

/** Scenes and pages of one test, which end with it. */
interface Tools {
  /** A scene that was not started. */
  create(options?: SceneOptions): Scene;
  /** Another page on a scene that runs. */
  visit(scene: Scene, context?: BrowserContextOptions): Promise<Visited>;
  /** A scene that runs, and a page that shows readings. */
  open(options?: SceneOptions, context?: BrowserContextOptions): Promise<Visited & { readonly scene: Scene }>;
}

/** Tests in a real browser; where there is none, they say so and are left out, unless the environment demands them. */
export function describePage(title: string, tests: (tools: Tools) => void): void {
  if (!here) console.warn(title + why);
  describe.skipIf(!here)(title + why, { timeout: 60_000 }, () => {
    let browser: Browser;
    const scenes: Scene[] = [];
    const pages: Page[] = [];

    beforeAll(async () => {
      browser = await launchBrowser(chromium);
    });
    afterAll(async () => {
      await browser?.close();
    });
    afterEach(async () => {
      await Promise.all(pages.splice(0).map((page) => page.context().close()));
      await Promise.all(scenes.splice(0).map((scene) => scene.stop()));
    });

    const create: Tools['create'] = (options) => {
      const scene = new Scene(options);
      scenes.push(scene);
      return scene;
    };
    const visit: Tools['visit'] = async (scene, context = {}) => {
      const visited = await look(browser, scene.url, context);
      pages.push(visited.page);
      return visited;
    };
    const open: Tools['open'] = async (options = {}, context = {}) => {
      const scene = create(options);
      await scene.start();
      const visited = await visit(scene, context);
      await soon(async () => expect(await text(visited.page, '#readings-rate')).not.toBe('–'));
      return { scene, ...visited };
    };
    tests({ create, visit, open });
  });
}
