// What scenarios have in common: logging in, waiting for numbers, reading pages with axe-core.
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardRequire } from './chromium.mjs';

export const AXE = dashboardRequire.resolve('axe-core/axe.min.js');
const LOOK_AGAIN_MS = 100;
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
// What can be wrong on a small screen alone.
const SMALL_RULES = ['target-size', 'scrollable-region-focusable'];
const SMALL_PX = 390;

/** Signs in by the login link, which leads on to the path. */
export async function logIn(page, { url, login_path: loginPath }, path = '/') {
  await page.goto(`${url}${loginPath}&next=${encodeURIComponent(path)}`);
  await page.waitForURL(({ pathname }) => pathname !== '/login');
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

/** A tab of its own that is signed in, at the path, and live. */
export async function start({ open, options }, path = '/') {
  const page = await open();
  await logIn(page, options, path);
  await page.locator('.connection.is-live').waitFor();
  return page;
}

export const section = (page, name) => page.getByRole('region', { name, exact: true });

/** The first page has its numbers. */
export async function isLive(page) {
  await page.locator('.connection.is-live').waitFor();
  await page.locator('.overview[aria-busy=false]').waitFor();
}

/** What axe-core has to say against the page: by all rules of WCAG 2.2 AA, or by some. */
export async function accessibilityFaults(page, rules = AXE_TAGS) {
  const report = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
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

/**
 * What axe-core, the eye for moving things and the edge of a small screen say of each page. Each is loaded once, every other one in the
 * dark: all that differs between the themes are the tokens, whose contrasts tokens.test.ts computes for both.
 */
export async function pagesAreSound({ open, options }) {
  const page = await start({ open, options });
  await page.addInitScript({ path: AXE }); // Comes through the debugger, past the page's policy.
  await watchShifts(page);
  const seen = {};
  for (const [index, path] of options.paths.entries()) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: index % 2 === 0 ? 'light' : 'dark' });
    await page.goto(options.url + path);
    await page.locator('.connection.is-live').waitFor();
    await page.locator('main:not([aria-busy=true]) .card').first().waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
    const faults = await accessibilityFaults(page);
    const shift = await shiftSum(page);
    await page.setViewportSize({ width: SMALL_PX, height: 844 });
    faults.push(...(await accessibilityFaults(page, SMALL_RULES)));
    const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    seen[path] = { faults, shift, overflow_px: overflowPx };
  }
  return { seen };
}
