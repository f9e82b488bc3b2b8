// What is done in the browser on the pages where people work: calls, who is told, silences, keys, the system.
import { setTimeout as sleep } from 'node:timers/promises';
import { section, start } from './page.mjs';

const REVOKED_WITHIN_MS = 60_000;
const LOOK_AGAIN_MS = 500;

/** Narrows the calls down, finds some by what is typed, and looks at one. */
export async function callsAreFound({ open, options }) {
  const page = await start({ open, options }, '/calls?range=24h');
  const rows = page.locator('.call-table:not(.is-skeleton) tbody tr');
  await rows.first().waitFor();
  await page.getByLabel('Only this provider').selectOption('=openai');
  await page.locator('.chip').waitFor();
  await page.locator('.call-who b', { hasText: /^(anthropic|local)$/ }).first().waitFor({ state: 'detached' });
  await rows.first().waitFor();
  const providers = await page.locator('.call-who b').allInnerTexts();
  const { search } = new URL(page.url());

  await page.keyboard.press('/');
  await page.keyboard.type(options.task);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'All calls of this task' }).waitFor();
  await page.locator('.chip').click();
  await rows.first().locator('.call-link').click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await section(page, 'Evidence').locator('li').first().waitFor();
  const evidence = await section(page, 'Evidence').locator('li').innerText();
  const price = await section(page, 'Cost').innerText();
  const facts = await section(page, 'Facts').innerText();
  await page.goBack();
  await page.getByRole('heading', { name: 'All calls of this task' }).waitFor();
  return { providers: [...new Set(providers)], search, evidence, price, facts };
}

/** Makes somebody who is told, says of what, and looks after the message that was refused. */
export async function peopleAreTold({ open, options, tell }) {
  const page = await start({ open, options }, '/receivers/new');
  const form = page.getByRole('form', { name: 'Receiver' });
  await form.getByLabel('Name').fill('Default');
  await form.getByRole('button', { name: 'Webhook' }).click();
  await form.getByRole('button', { name: 'Save' }).click();
  const refused = await form.locator('.field.is-wrong').innerText();
  await form.getByLabel('Address').fill(options.hook);
  await form.getByLabel('Header Authorization').fill('Bearer not-to-be-seen');
  await form.getByRole('button', { name: 'Send a sample' }).click();
  const sample = await page.locator('.receiver-test').innerText();
  await form.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/receivers\/default/);
  const shown = await page.locator('.receiver-grid').innerText();
  const html = await page.content();

  tell({ ready: true }); // From now on there is something to tell.
  await page.goto(`${options.url}/receivers?delivery=dead`);
  await page.getByText('Given up').nth(1).waitFor();
  await page.getByRole('button', { name: '1 try' }).first().click();
  const attempts = await page.locator('.attempts').innerText();
  await page.getByRole('button', { name: 'Send again' }).first().click();
  await page.goto(`${options.url}/receivers?delivery=sent`);
  await page.locator('.delivery-state.is-sent').first().waitFor();
  return { refused, sample, shown, attempts, has_secret: html.includes('not-to-be-seen') };
}

/** Changes the policy: into one that does not hold together, which cannot be saved, and into one that does. */
export async function policyIsChanged({ open, options }) {
  const page = await start({ open, options }, '/routing');
  const save = page.getByRole('button', { name: 'Save' });
  await page.getByRole('button', { name: 'Add a route below All alerts' }).click();
  await page.getByRole('button', { name: 'Open Route 1', exact: true }).click();
  const route = page.getByRole('group', { name: 'Route 1', exact: true });
  await route.getByLabel('Label', { exact: true }).fill('2nd');
  const problem = await page.locator('.routing-problems').innerText();
  const couldSave = await save.isEnabled();
  await route.getByLabel('Label', { exact: true }).fill('severity');

  await page.getByRole('button', { name: 'Escalation', exact: true }).click();
  await page.locator('.routing-part').getByRole('button', { name: 'Escalation policy' }).click();
  const nobody = await page.locator('.routing-problems').innerText();
  await page.getByLabel('Receivers of step 1: add').selectOption('hands');
  await page.locator('.routing-problems').waitFor({ state: 'detached' });
  await page.getByLabel('Escalation policy').fill('all hands');
  await page.getByRole('button', { name: 'Routes', exact: true }).click();
  await page.getByRole('button', { name: 'Open Route 1', exact: true }).click();
  await route.getByLabel('And, while nobody acknowledges').selectOption('all hands');
  await save.click();
  await page.getByText('As saved.').waitFor();
  await page.reload();
  await page.locator('.route-card').nth(1).waitFor();
  return { problem, couldSave, nobody, kept: await page.locator('.route-card').nth(1).innerText() };
}

/** Makes a silence after a look at what it hits, and ends it. */
export async function silenceIsMadeAndEnded({ open, options }) {
  const page = await start({ open, options }, '/silences/new');
  const form = page.getByRole('form', { name: 'Silence' });
  await form.getByLabel('Value').fill('openai');
  await section(page, 'What it hits now').locator('.state, .entry').first().waitFor();
  await form.getByLabel('Label', { exact: true }).fill('no label');
  const problem = await form.locator('.is-bad').first().innerText();
  await form.getByLabel('Label', { exact: true }).fill('provider');
  await form.getByLabel('Who makes it').fill('Kim <b>');
  await form.getByRole('button', { name: '4 h' }).click();
  await form.getByRole('button', { name: 'Make it silent' }).click();
  const entry = page.locator('.silence');
  await entry.waitFor();
  const made = await entry.innerText();
  await entry.getByRole('button', { name: 'End' }).click();
  await entry.getByRole('button', { name: 'End it' }).click();
  await entry.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Over', exact: true }).click();
  await entry.waitFor();
  return { problem, made, over: await entry.innerText() };
}

/** Makes a key, which is shown once and works, and revokes it, after which it does not. */
export async function keyIsMadeAndRevoked({ open, options }) {
  const page = await start({ open, options }, '/settings');
  const keys = section(page, 'Keys of default');
  await keys.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog').filter({ visible: true });
  await dialog.getByLabel('What it is for').fill('a test');
  await dialog.getByRole('radio', { name: /^Read/ }).check();
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const secret = await dialog.locator('.settings-secret code').innerText();
  await dialog.getByRole('button', { name: 'I have it' }).click();
  const row = keys.locator('tbody tr', { hasText: 'a test' });
  await row.waitFor();
  const isShownAgain = (await page.content()).includes(secret);
  const ask = async () => {
    const headers = { authorization: `Bearer ${secret}`, cookie: '' };
    return (await page.request.get(`${options.url}/api/v1/ledger`, { headers })).status();
  };
  const before = await ask();
  await row.getByRole('button', { name: 'Revoke' }).click();
  await row.getByRole('button', { name: 'Revoke it' }).click();
  await row.waitFor({ state: 'detached' });
  let after = await ask();
  for (const untilMs = Date.now() + REVOKED_WITHIN_MS; after !== 401 && Date.now() < untilMs; after = await ask())
    await sleep(LOOK_AGAIN_MS);
  await page.getByRole('button', { name: 'Changes', exact: true }).click();
  await section(page, 'Changes').getByText('revoked the key').first().waitFor();
  return { isShownAgain, before, after };
}

/** A rule is narrowed to a provider and a model that were seen, and deleted. */
export async function ruleIsNarrowedAndDeleted({ open, options }) {
  const page = await start({ open, options }, '/rules/default-latency');
  await page.getByText('Only some series').click();
  await page.getByLabel('Provider: add').selectOption('openai');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('As saved.').waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Remove openai' }).waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete it' }).click();
  await page.waitForURL(/\/rules$/);
  await page.locator('.entry-link').first().waitFor();
  return { left: await page.locator('.entry-link').allInnerTexts() };
}

/** Gives a kind of task weights of its own, which stay; and looks at how much is kept. */
export async function weightsAreSet({ open, options }) {
  const page = await start({ open, options }, '/settings?part=weights');
  const weights = section(page, 'Weights');
  const save = weights.getByRole('button', { name: 'Save' });
  await weights.getByLabel('Weights of its own for a kind of task').selectOption(options.task_type);
  const field = weights.getByLabel(`${options.task_type}: Tests`);
  await field.fill('0');
  const couldSave = await save.isEnabled();
  await field.fill('7.5');
  await save.click();
  await weights.getByText('As saved.').waitFor();
  await page.reload();
  await field.waitFor();
  const kept = await field.inputValue();
  await page.goto(`${options.url}/system`);
  const parts = section(page, 'Storage').locator('.storage-parts li');
  await parts.first().waitFor();
  const stored = await parts.allInnerTexts();
  return { couldSave, kept, stored, facts: await section(page, 'Storage').locator('.storage-facts').innerText() };
}
