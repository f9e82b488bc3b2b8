// What is done in the browser on the first page. Each scenario takes {open, options, tell} and returns what it saw.
import { readFile } from 'node:fs/promises';
import { AXE, accessibilityFaults, callsReach, callsShown, isLive, logIn, shiftSum, start, watchShifts } from './page.mjs';

export { pagesAreSound } from './page.mjs';

/**
 * Logs in and watches the number of calls. Tells {"calls"} when the page is live, so that the caller can record some;
 * returns when there are `more_calls` more.
 */
export async function overview({ open, options, tell }) {
  const page = await start({ open, options });
  await page.locator('.overview[aria-busy=false], .start').first().waitFor();
  const before = await page.evaluate(callsShown);
  tell({ calls: before });
  const calls = await callsReach(page, { least: before + (options.more_calls ?? 1) });
  await page.locator('.table tbody tr[data-row]').first().waitFor();
  return {
    calls,
    row_count: await page.locator('.table tbody tr[data-row]').count(),
    address: page.url(),
    has_token_in_address: page.url().includes('token'),
  };
}

/** Reads the first page, what opens on it, and the login with axe-core, and measures how much of it moves while it loads: 0 is nothing. */
export async function soundness({ open, options }) {
  const page = await open({ colorScheme: 'dark' });
  await page.addInitScript({ path: AXE }); // Comes through the debugger, past the page's policy.
  await logIn(page, options);
  await watchShifts(page);
  await page.goto(`${options.url}/`);
  await page.locator('.overview[aria-busy=false] tr[data-row]').first().waitFor();
  await callsReach(page, { least: 1 });
  const shift = await shiftSum(page);
  const faults = {};
  await page.locator('.open').first().click();
  faults.overview = await accessibilityFaults(page);
  await page.keyboard.press('?');
  faults.help = await accessibilityFaults(page);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${options.url}/login`);
  await page.locator('.login-form').waitFor();
  faults.login = await accessibilityFaults(page);
  return { faults, shift };
}

/** Narrows down, searches, sorts, compares and saves what is shown, and goes back again. */
export async function navigation({ open, options }) {
  const page = await start({ open, options });
  await isLive(page);
  const addresses = [];
  const note = () => addresses.push(new URL(page.url()).search);

  await page.locator('.cell-provider .name').first().click();
  const chip = await page.locator('.chip').innerText();
  note();
  await page.getByRole('button', { name: '24h' }).click();
  note();
  await page.keyboard.press('/');
  await page.keyboard.type('code');
  await page.waitForURL(/q=code/); // the page takes each key as it comes
  note();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Cost', exact: true }).click();
  note();
  await page.getByRole('button', { name: 'Compare' }).click();
  note();
  await page.locator('.chart .chart-legend', { hasText: 'before' }).nth(2).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: /^Save as CSV/ }).click(),
  ]);
  const saved = await readFile(await download.path(), 'utf8');
  await page.reload();
  await isLive(page);
  const rows = await page.locator('.cell-task').allInnerTexts();
  for (let steps = 0; steps < 4; steps += 1) await page.goBack();
  await page.locator('.chip').waitFor({ state: 'detached' });
  note();
  return { chip, addresses, rows, saved };
}

/** Uses the table and the theme by key alone. */
export async function keyboard({ open, options }) {
  const page = await start({ open, options });
  await isLive(page);
  await page.locator('tr[data-row]').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const opened = await page.locator('tr[data-row]').nth(1).getAttribute('class');
  await page.keyboard.press('t');
  await page.keyboard.press('t');
  await page.reload();
  await isLive(page);
  return { opened, theme: await page.evaluate(() => document.documentElement.dataset.theme) };
}

/** Sees the connection lost and found again. `outage` and `recovery` are paths that the mock server knows. */
export async function outage({ open, options }) {
  const page = await start({ open, options });
  await isLive(page);
  const states = [];
  const waitFor = async (state) => {
    await page.locator(`.connection.is-${state}`).waitFor();
    states.push(state);
  };
  await page.request.post(options.url + options.outage);
  await waitFor('reconnecting');
  await waitFor('stale');
  const warning = await page.locator('.trouble').innerText();
  await page.request.post(options.url + options.recovery);
  await waitFor('live');
  const before = await page.evaluate(callsShown);
  await callsReach(page, { least: before + 1 });
  return { states, warning };
}

/** Looks at what somebody sees who has sent nothing yet. */
export async function emptyProject({ open, options }) {
  const page = await start({ open, options }, `/?project=${options.project}`);
  const code = {};
  for (const way of options.ways) {
    await page.getByRole('tab', { name: way, exact: true }).click();
    code[way] = await page.locator('#way-code pre').innerText();
  }
  return { code };
}

/** Tries a key that nobody gave. */
export async function wrongKey({ open, options }) {
  const page = await open();
  await page.goto(`${options.url}/login`);
  await page.getByLabel('Key').fill('not-a-key');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.login-error span').waitFor();
  return { error: await page.locator('.login-error').innerText() };
}

/**
 * Takes pictures: `pictures` is a list of {file, path, width, height, colorScheme, scale, expand}. Logs in for each, so
 * the login link has to work more than once, as the mock server's does.
 */
export async function pictures({ open, options }) {
  for (const picture of options.pictures) {
    const page = await open(picture);
    await logIn(page, options, picture.path);
    await page.locator('.overview[aria-busy=false], .start').first().waitFor();
    if (picture.expand) await page.locator('.open').nth(picture.expand).click();
    // A whole window of the stream, so that the lag is known and the charts are drawn.
    await page.locator('.connection-detail:not(:empty)').waitFor({ state: 'attached' });
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    await page.screenshot({ path: picture.file });
    await page.context().close();
  }
  return { files: options.pictures.map((picture) => picture.file) };
}
