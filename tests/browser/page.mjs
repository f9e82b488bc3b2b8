// What scenarios have in common: logging in, waiting for numbers, reading a page with axe-core.
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardRequire } from './chromium.mjs';

export const AXE = dashboardRequire.resolve('axe-core/axe.min.js');
const LOOK_AGAIN_MS = 100;
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export async function logIn(page, { url, login_path: loginPath }) {
  await page.goto(url + loginPath);
  await page.waitForURL(`${url}/`);
}

/** The number of calls on the page, exactly as it would be read out. */
export function callsShown() {
  const exact = document.querySelector('.tiles .tile-figure [data-tip]')?.getAttribute('data-tip') ?? '';
  return Number(exact.replace(/\D/g, ''));
}

/** Waits until that many calls are shown. (Playwright's own waiting would need a page that allows eval.) */
export async function callsReach(page, { least, deadlineMs = 120_000 }) {
  for (const untilMs = performance.now() + deadlineMs; ; await sleep(LOOK_AGAIN_MS)) {
    const calls = await page.evaluate(callsShown);
    if (calls >= least) return calls;
    if (performance.now() > untilMs) throw new Error(`${calls} calls are shown, and not ${least}`);
  }
}

export async function isLive(page) {
  await page.locator('.connection.is-live').waitFor();
  await page.locator('.overview[aria-busy=false]').waitFor();
}

/** What axe-core has to say against the page, worst kinds only. */
export async function accessibilityFaults(page) {
  const report = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), AXE_TAGS);
  return report.violations.map(({ id, impact, nodes }) => ({ id, impact, first: nodes[0].html, count: nodes.length }));
}

/** From the next load on, notes how much of the page moves by itself. */
export async function watchShifts(page) {
  await page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value))).observe({
      type: 'layout-shift',
      buffered: true,
    });
  });
}

/** How much of the page has moved: 0 is nothing. */
export function shiftSum(page) {
  return page.evaluate(() => window.shifts.reduce((sum, one) => sum + one, 0));
}
