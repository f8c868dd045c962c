import { type Browser, chromium } from 'playwright-core';
import { findChromium } from './programs/chromium.ts';

/** As it runs in a container too, and talks to nobody but the page under test. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A real Chromium without a window, with an empty profile that is thrown away. @throws with what to do when there is none */
export async function launchBrowser(): Promise<Browser> {
  const { executable, env } = await findChromium();
  return chromium.launch({ executablePath: executable, args: flags, env: { ...process.env, ...env } });
}
