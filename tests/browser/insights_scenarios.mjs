// What is done in the browser on the pages about choices: rankings, the heat map, prompts, quality, reports.
import { section, start } from './page.mjs';

/** Plays with objective and bounds, opens the reasons, and comes back to what the address said. */
export async function rankingIsPlayedWith({ open, options }) {
  const page = await start({ open, options }, '/rankings');
  const first = page.locator('.rank-row .rank-name').first();
  await first.waitFor();
  const balanced = await first.innerText();
  await page.getByRole('button', { name: 'Quality', exact: true }).first().click();
  await page.locator('.rank-row .rank-name', { hasText: 'claude' }).first().waitFor();
  const firstByQuality = page.locator('.rank-row.is-first', { hasText: 'claude' });
  await firstByQuality.waitFor();
  await page.getByLabel(/^Success ≥/).fill('95');
  await section(page, 'Left out').getByText('A bound is not kept').first().waitFor();
  const leftOut = await section(page, 'Left out').locator('li').count();
  const front = await page.locator('.point.is-front').count();
  const hostile = await page.locator('.rank-name', { hasText: '<img' }).first().innerText();
  await page.locator('.rank-open').first().click();
  const reasons = await page.locator('.rank-reasons li').count();
  const { search } = new URL(page.url());
  await page.reload();
  await firstByQuality.waitFor();
  const kept = await page.getByLabel(/^Success ≥/).inputValue();
  await page.getByRole('button', { name: 'Own weights' }).click();
  await page.getByRole('slider', { name: /Latency/ }).press('ArrowRight');
  await page.waitForURL(/weights=/);
  return { balanced, leftOut, front, hostile, reasons, search, kept };
}

/** The cells of a metric, and from one of them to its trends. */
export async function heatMapLeadsToTrends({ open, options }) {
  const page = await start({ open, options }, '/heatmap');
  await page.locator('.heat-cell').first().waitFor();
  await page.getByLabel('Metric').selectOption('LATENCY');
  await page.locator('.heat-cell.is-worse').first().waitFor();
  const cells = await page.locator('.heat-cell').count();
  const worse = await page.locator('.heat-cell.is-worse').first().getAttribute('data-tip');
  await page.locator('.heat-cell.is-worse').first().click();
  await page.locator('.series-page').waitFor();
  return { cells, worse, heading: await page.locator('h1').innerText() };
}

/** From verdict to verdict: the sequence and the strata follow. */
export async function promptIsCompared({ open, options }) {
  const page = await start({ open, options }, '/prompts');
  await page.locator('.verdict').first().waitFor();
  const verdicts = await page.locator('.verdict-word').allInnerTexts();
  const before = await section(page, 'Over time').locator('h2').innerText();
  await page.locator('.verdict', { hasText: 'Worse' }).first().click();
  await section(page, 'Over time').getByText('Latency of v3').waitFor();
  const after = await section(page, 'Over time').locator('h2').innerText();
  const plot = await page.locator('.sequence-plot svg').boundingBox();
  const shown = page.locator('.sequence-legend b').last();
  const now = await shown.innerText();
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 80);
  await page.locator('.sequence-cursor').waitFor({ state: 'attached' });
  const earlier = await shown.innerText();
  const strata = await section(page, 'Strata').locator('tbody th').allInnerTexts();
  return { verdicts, before, after, now, earlier, strata, search: new URL(page.url()).search };
}

/** What was recommended before, and whether following it would have paid. */
export async function rankingsAreLookedBackOn({ open, options }) {
  const page = await start({ open, options }, '/rankings');
  await page.getByRole('button', { name: /^Replay/ }).click();
  const policies = await section(page, 'Back-test').locator('tbody th').allInnerTexts();
  const entries = section(page, 'History').locator('li');
  await entries.nth(2).waitFor();
  await entries.nth(1).getByRole('link').click();
  const note = page.locator('.rankings-kept');
  await note.waitFor();
  const words = await note.innerText();
  const first = await page.locator('.rank-row.is-first .rank-name').innerText();
  await page.getByRole('button', { name: 'As it is now' }).click();
  await note.waitFor({ state: 'detached' });
  return { policies, words, first };
}

/** From a provider to its scores, and to everything that cost one of them something. */
export async function qualityIsExplained({ open, options }) {
  const page = await start({ open, options }, '/quality?range=7d');
  const rows = page.locator('.quality-table tbody tr');
  await rows.nth(5).waitFor();
  const worst = await rows.nth(1).locator('.quality-score b').innerText();
  const columns = await page.locator('.quality-table thead th').allInnerTexts();
  const all = await rows.count();
  await page.getByRole('button', { name: 'google', exact: true }).first().click();
  await page.getByRole('button', { name: 'anthropic', exact: true }).first().waitFor({ state: 'detached' });
  const narrowed = await rows.count();
  const first = page.locator('.score-entry').first();
  await first.getByRole('button', { name: 'All 4 findings' }).click();
  await first.locator('.findings li').nth(3).waitFor();
  const findings = await first.locator('.findings li').allInnerTexts();
  const missing = await first.locator('.is-missing').getAttribute('data-tip');
  return { worst, columns, all, narrowed, findings, missing, search: new URL(page.url()).search };
}

/** A schedule is made, its report sent now and shown; a recommendation is accepted. */
export async function reportIsMadeAndSent({ open, options }) {
  const page = await start({ open, options }, '/reports?state=schedules');
  await page.getByRole('button', { name: 'New schedule' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name').fill('Daily for finance');
  await form.getByLabel('Report of').selectOption('DAILY');
  await form.getByLabel('Time', { exact: true }).fill('06:30');
  await form.getByRole('button', { name: 'Make the schedule' }).click();
  const made = page.locator('.schedules .entry', { hasText: 'Daily for finance' });
  await made.waitFor();
  const timing = await made.locator('.entry-facts').innerText();
  await made.getByRole('button', { name: 'Send now' }).click();
  await page.waitForURL(/\/reports\/daily-/);
  const paper = page.frameLocator('.report-frame').locator('h1');
  await paper.waitFor();
  const heading = await paper.innerText();
  await page.goto(`${options.url}/reports?state=recommendations`);
  const first = page.locator('.recommendation').first();
  await first.getByRole('button', { name: 'Accept' }).click();
  await first.getByText('Accepted').waitFor();
  return { timing, heading, title: await page.title() };
}

/** The same pages over a real Assay: they show what was recorded, and a report is made, opened and scheduled. */
export async function choicesAreShown({ open, options }) {
  const page = await start({ open, options }, '/rankings');
  await page.locator('.rank-row .rank-name').first().waitFor();
  const ranked = await page.locator('.rank-row .rank-name').allInnerTexts();
  await page.goto(`${options.url}/heatmap?range=24h`);
  await page.locator('.heat-cell').first().waitFor();
  const cells = await page.locator('.heat-cell').count();
  await page.goto(`${options.url}/quality?range=24h&provider=openai`);
  const score = await page.locator('.score-entry .score-bar b').first().getAttribute('data-tip');
  await page.goto(`${options.url}/prompts`);
  await page.locator('main:not([aria-busy=true]) .card').first().waitFor();
  await page.goto(`${options.url}/reports`);
  await page.getByRole('button', { name: 'New report' }).click();
  await page.getByLabel('From a time to another').check();
  await page.getByRole('button', { name: 'Make the report' }).click();
  await page.waitForURL(/\/reports\/custom-/);
  const report = await page.frameLocator('.report-frame').locator('h1').first().innerText();
  await page.goto(`${options.url}/reports?state=schedules`);
  await page.getByRole('button', { name: 'New schedule' }).click();
  await page.getByLabel('Name').fill('Every morning');
  await page.getByLabel('Report of').selectOption('DAILY');
  await page.getByRole('button', { name: 'Make the schedule' }).click();
  const schedule = await page.locator('.schedules .recommendation-title').innerText();
  return { ranked: ranked.join(' '), cells, score, report, schedule };
}
