import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** What a page did that it should not have done. */
export interface Misdeeds {
  readonly complaints: string[];
  readonly foreignRequests: string[];
}

/** Chromium breaks off what it loads whenever an interface of the machine comes or goes, say for a test with network namespaces. */
const networkChanged = 'net::ERR_NETWORK_CHANGED';

/** Opens the page as a reader would, and notes what goes wrong in it. */
export async function look(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; misdeeds: Misdeeds }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const misdeeds: Misdeeds = { complaints: [], foreignRequests: [] };
  let networkChanges = 0;
  page.on('console', (message) => {
    if (message.text().includes(networkChanged)) networkChanges += 1;
    else if (['error', 'warning'].includes(message.type())) misdeeds.complaints.push(message.text());
  });
  page.on('pageerror', (error) => misdeeds.complaints.push(error.message));
  page.on('dialog', (dialog) => {
    misdeeds.complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== url) misdeeds.foreignRequests.push(request.url());
  });
  await page.addInitScript(() => {
    const shifts: { value: number; nodes: string[] }[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        sources: { node?: Element }[];
      })[]) {
        // A text has no name of its own: name its element.
        const nodes = entry.sources.map(({ node }) => {
          const element = node?.nodeType === Node.TEXT_NODE ? node.parentElement : node;
          return `${element?.id || element?.className || element?.parentElement?.id || element?.tagName}`;
        });
        shifts.push({ value: entry.value, nodes });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const before = networkChanges;
    await page.goto(url).catch((error: Error) => {
      if (!error.message.includes(networkChanged)) throw error;
      networkChanges += 1;
    });
    if (networkChanges === before) break;
  }
  return { page, misdeeds };
}
