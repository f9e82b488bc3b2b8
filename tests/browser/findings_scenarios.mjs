// What is done in the browser on the pages about anomalies, trends, alerts and rules.
import { section, start } from './page.mjs';

const tell = (page, options, path) => page.request.post(options.url + path);

/** From the strip on the first page to the anomaly, where it is marked and its level accepted. */
export async function anomalyIsMarked({ open, options }) {
  const page = await start({ open, options });
  const rowMark = await page.locator('.row-mark.is-critical').first().getAttribute('aria-label');
  await section(page, 'Open anomalies')
    .getByRole('link', { name: /Critical/ })
    .click();
  await page.locator('.anomaly-head h1').waitFor();
  await page.locator('.chart-mark.is-band').waitFor();
  const address = new URL(page.url()).pathname;
  const title = await page.locator('.anomaly-head h1').innerText();
  const parts = await section(page, 'Parts').locator('tbody tr').count();
  await page.getByPlaceholder('Why').fill('the new quota');
  await page.getByRole('button', { name: 'Expected', exact: true }).click();
  const mark = await page.locator('.marks-list li').innerText();
  await page.getByRole('button', { name: /new normal/ }).click();
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
  const accepted = section(page, 'New normal').locator('.marks-list li');
  await accepted.nth(2).waitFor();
  await page.goBack();
  await page.locator('.overview').waitFor();
  return { rowMark, address, title, parts, mark };
}

/** The list while one comes, ends, and while the analyzer is away. */
export async function anomaliesComeAndGo({ open, options }) {
  const page = await start({ open, options });
  await page
    .getByRole('link', { name: /^Anomalies/ })
    .first()
    .click();
  const items = section(page, 'Open').locator('.entry-link');
  const badge = page.locator('.nav .badge').first();
  await items.nth(1).waitFor();
  const before = await badge.innerText();
  await tell(page, options, '/mock/anomaly');
  await items.nth(2).waitFor();
  const during = await badge.innerText();
  await tell(page, options, '/mock/anomaly-ends');
  await section(page, 'History').getByText('Quality of qwen').waitFor();
  await items.nth(2).waitFor({ state: 'detached' });
  const after = await badge.innerText();
  await tell(page, options, '/mock/analyzer-away');
  const warning = await page.locator('.note.is-warning').innerText();
  const kept = await items.count();
  await tell(page, options, '/mock/analyzer-back');
  await page.locator('.note.is-warning').waitFor({ state: 'detached' });
  return { badges: [before, during, after].map((text) => text.split('\n')[0]), warning, kept };
}

/** Narrows the list down, reads on, and goes back. What data says is text, whatever it looks like. */
export async function anomaliesAreFiltered({ open, options }) {
  const page = await start({ open, options }, '/anomalies');
  const history = section(page, 'History').locator('.entry-link');
  await history.first().waitFor();
  const hostile = await history.first().innerText();
  await page.getByRole('button', { name: 'Show more' }).click();
  await history.nth(50).waitFor();
  const all = await history.count();
  // One more on top moves another from the first page to the second: both are read again, and none is lost.
  await tell(page, options, '/mock/anomaly');
  await tell(page, options, '/mock/anomaly-ends');
  await history.nth(all).waitFor();
  await page.getByLabel('Severity').selectOption('CRITICAL');
  await page.getByRole('button', { name: 'Ended', exact: true }).click();
  await history.nth(12).waitFor({ state: 'detached' });
  const critical = await history.count();
  const { search } = new URL(page.url());
  await page.reload();
  await history.first().waitFor();
  const again = await history.count();
  await page.goBack();
  await page.goBack();
  await section(page, 'Open').locator('.entry-link').first().waitFor();
  return { hostile, all, critical, again, search, back: new URL(page.url()).search };
}

/** From a row of the table to its trends, and closer. */
export async function trends({ open, options }) {
  const page = await start({ open, options });
  await page.locator('.overview[aria-busy=false]').waitFor();
  await page.locator('.open').first().click();
  await page.getByRole('link', { name: /Trends/ }).click();
  const charts = page.locator('.series-page .chart');
  await page.locator('.series-page .chart-mark.is-band').nth(5).waitFor();
  const titles = await charts.locator('h2').allInnerTexts();
  const heading = await page.locator('h1').innerText();
  const plot = await charts.nth(1).locator('.u-over').boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 40);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.8, plot.y + 40, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=.*to=/);
  return { titles, heading };
}

/** One alert fires while another page is open and is put away; one is taken on from the list, and ended on its page. */
export async function alertIsTakenOn({ open, options }) {
  const page = await start({ open, options });
  await page.locator('.nav .badge').last().waitFor();
  await tell(page, options, '/mock/alert');
  const toast = page.locator('.toast');
  await toast.waitFor();
  const told = await toast.innerText();
  await toast.getByRole('button', { name: 'Put away' }).click();
  await toast.waitFor({ state: 'detached' });
  await page
    .getByRole('link', { name: /^Alerts/ })
    .first()
    .click();
  const badge = page.locator('.nav .badge').last();
  const firing = section(page, 'Now').locator('.alert-state.is-firing');
  await firing.nth(2).waitFor();
  const before = await badge.innerText();
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).first().click();
  await firing.nth(2).waitFor({ state: 'detached' });
  const after = await badge.innerText();
  await section(page, 'Now').locator('.entry-link').last().click();
  await page.getByPlaceholder('A word').fill('rolled back');
  await page.getByRole('button', { name: 'Resolve', exact: true }).click();
  await page.locator('.timeline li.is-resolved').first().waitFor();
  const timeline = await page.locator('.timeline').innerText();
  return { told, badges: [before, after].map((text) => text.split('\n')[0]), timeline };
}

/** A rule is changed until its back-test pleases, and saved. */
export async function ruleIsSaved({ open, options }) {
  const page = await start({ open, options }, '/rules');
  await page.getByRole('link', { name: 'Answers take long' }).click();
  const answer = page.locator('.backtest-answer');
  const before = await answer.innerText();
  await page.getByLabel('Bound, s').fill('200');
  await answer.getByText('6 times').waitFor();
  const after = await answer.innerText();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('As saved.').waitFor();
  await page.reload();
  const bound = page.getByLabel('Bound, s');
  await bound.waitFor();
  return { before, after, bound: await bound.inputValue() };
}

/** Opens each page of an Assay and says what its heading is and what stands in it. */
export async function pagesAnswer({ open, options }) {
  const page = await start({ open, options });
  const seen = {};
  for (const path of options.paths) {
    await page.goto(options.url + path);
    await page.locator('.connection.is-live').waitFor();
    await page.locator('[aria-busy=true]').first().waitFor({ state: 'detached' });
    seen[path] = {
      heading: await page.locator('h1').innerText(),
      alerts: await page.locator('.state[role=alert], .note').allInnerTexts(),
    };
  }
  return { seen };
}
