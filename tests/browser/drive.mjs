// Plays scenarios in a real browser, one after the other: takes each as a line of JSON, ends with its input.
//
//   echo '{"scenario": "overview", "url": "http://…", "login_path": "/login?token=…"}' | node drive.mjs
//
// Says {"told": …} where a scenario tells something in between, and then {"seen": …} or {"failed": "why"}. What was seen
// has `console_errors`: what the browser complained of, failed requests included.
import { createInterface } from 'node:readline';
import { launch } from './chromium.mjs';
import * as findings from './findings_scenarios.mjs';
import * as insights from './insights_scenarios.mjs';
import * as overview from './scenarios.mjs';
import * as work from './work_scenarios.mjs';

const DEADLINE_MS = 120_000;

const scenarios = { ...overview, ...findings, ...insights, ...work };
const browser = await launch();
const say = (line) => console.log(JSON.stringify(line));

async function play(options) {
  const scenario = scenarios[options.scenario];
  if (!scenario) throw new Error(`no such scenario; there are ${Object.keys(scenarios).join(', ')}`);
  const consoleErrors = [];
  const contexts = [];

  /** A tab of its own, with its own cookies. */
  async function open({ width = 1280, height = 900, colorScheme = 'light', scale = 1 } = {}) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      deviceScaleFactor: scale,
      timezoneId: 'Europe/Berlin',
      locale: 'en-GB',
    });
    contexts.push(context);
    context.setDefaultTimeout(options.deadline_ms ?? DEADLINE_MS);
    const page = await context.newPage();
    page.on('console', (message) => message.type() === 'error' && consoleErrors.push(message.text()));
    page.on('pageerror', (error) => consoleErrors.push(String(error)));
    return page;
  }

  try {
    const seen = await scenario({ open, options, tell: (told) => say({ told }) });
    return { ...seen, console_errors: consoleErrors };
  } finally {
    await Promise.all(contexts.map((context) => context.close()));
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ seen: await play(JSON.parse(line)) });
  } catch (error) {
    say({ failed: String(error?.stack ?? error) });
  }
}
await browser.close();
