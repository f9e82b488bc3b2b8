// The Chromium for browser tests: ASSAY_CHROMIUM, else the system's.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const DASHBOARD = resolve(import.meta.dirname, '../../gateway/dashboard/package.json');
export const dashboardRequire = createRequire(DASHBOARD);

const CANDIDATES = [
  process.env.ASSAY_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
// Nothing but the pages under test is to be fetched.
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts a headless browser; close it in the end. */
export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error('no Chromium found: install one, or set ASSAY_CHROMIUM to its path');
  const { chromium } = dashboardRequire('playwright-core');
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}
