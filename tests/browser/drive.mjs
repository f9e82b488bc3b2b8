// Plays one scenario in a real browser. Takes JSON as its argument, prints JSON lines; the last one is the result.
//
//   node drive.mjs '{"scenario": "overview", "url": "http://…", "login_path": "/login?token=…"}'
//
// Every result has `console_errors`: what the browser complained of, failed requests included.
import { launch } from './chromium.mjs';
import * as findings from './findings_scenarios.mjs';
import * as insights from './insights_scenarios.mjs';
import * as overview from './scenarios.mjs';
import * as work from './work_scenarios.mjs';

const DEADLINE_MS = 120_000;

const scenarios = { ...overview, ...findings, ...insights, ...work };
const options = JSON.parse(process.argv[2] ?? '{}');
const scenario = scenarios[options.scenario];
if (!scenario) throw new Error(`no scenario ${options.scenario}; there are ${Object.keys(scenarios).join(', ')}`);

const browser = await launch();
const consoleErrors = [];

/** A tab of its own, with its own cookies. */
async function open({ width = 1280, height = 900, colorScheme = 'light', scale = 1 } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    deviceScaleFactor: scale,
    timezoneId: 'Europe/Berlin',
    locale: 'en-GB',
  });
  context.setDefaultTimeout(options.deadline_ms ?? DEADLINE_MS);
  const page = await context.newPage();
  page.on('console', (message) => message.type() === 'error' && consoleErrors.push(message.text()));
  page.on('pageerror', (error) => consoleErrors.push(String(error)));
  return page;
}

try {
  const result = await scenario({ open, options, tell: (line) => console.log(JSON.stringify(line)) });
  console.log(JSON.stringify({ ...result, console_errors: consoleErrors }));
} finally {
  await browser.close();
}
