import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { type Status, type System, sharedSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

// The console's page in a real browser, against the running system: what it shows is what SQL says.

let system: System;
let status: Status;
let browser: Browser;
let clickhouse: ClickHouseClient;
let token: string;
let keys: { engineering: string; product: string };
/** Between the first requests and the later ones. */
let middleMs: number;

before(async () => {
  system = sharedSystem();
  browser = await launchBrowser();
  status = await system.status();
  clickhouse = createClient({ url: status.clickhouseUrl });
  token = process.env.TOLLGATE_ADMIN_TOKEN ?? (await readFile(path.join(system.home, 'admin-token'), 'utf8')).trim();
  const [engineering, product] = await Promise.all([
    system.createKey('engineering', 'page-one'),
    system.createKey('product', 'page-two'),
  ]);
  keys = { engineering: engineering.key, product: product.key };
  const ids = [
    await ask(keys.engineering, 'What does the console page show?'),
    await ask(keys.engineering, 'What does the console page show?'),
    await ask(keys.product, 'Who bought the most?'),
  ];
  middleMs = Date.now();
  ids.push(await ask(keys.engineering, 'And in the other range?'), await ask(keys.product, 'And there?'));
  await inLedger(ids);
});
after(async () => {
  await browser?.close();
  await clickhouse?.close();
});

/** Not by way of the console, whose figures are in question. */
async function sql<Row>(query: string): Promise<Row[]> {
  return (await clickhouse.query({ query, format: 'JSONEachRow' })).json<Row>();
}

/** Returns the id of a request that was served. */
async function ask(key: string, input: string): Promise<string> {
  const answer = await fetch(`${status.gatewayUrl}/openai/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ input }),
  });
  assert.equal(answer.status, 200, await answer.text());
  return answer.headers.get('x-request-id') ?? '';
}

const inLedger = (ids: string[]) =>
  until('the requests are in the ledger', async () => {
    const list = ids.map((id) => `'${id}'`).join();
    const [found] = await sql<{ n: number }>(`SELECT count() AS n FROM usage WHERE request_id IN (${list})`);
    return Number(found?.n) === ids.length ? true : undefined;
  });

/** A page of its own, and what its console complained of. */
async function open(
  target: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(status.consoleUrl + target);
  return { page, complaints };
}

const signedIn = (query = '', options?: BrowserContextOptions) => open(`/${query}#token=${token}`, options);

interface Shown {
  fromMs: number;
  toMs: number;
  /** By the name of the tile. */
  totals: Record<string, string>;
  /** Cells of each row; a team stands in its first row only. */
  rows: string[][];
}

/** What the page shows at one moment. Undefined while it shows the figures of an earlier choice. */
async function read(page: Page): Promise<Shown | undefined> {
  await page.locator('.figures').waitFor();
  return page.evaluate(() => {
    if (document.querySelector('.figures.old')) return undefined;
    const [from, to] = [...document.querySelectorAll('.shown-range time')].map((at) =>
      Date.parse(at.getAttribute('datetime') ?? ''),
    );
    const texts = (within: Element, query: string) =>
      [...within.querySelectorAll(query)].map((found) => found.textContent ?? '');
    const totals = texts(document.body, '.tile dt').map((name, index) => [
      name,
      texts(document.body, '.tile .value')[index] ?? '',
    ]);
    const rows = [...document.querySelectorAll('.usage tbody tr')].map((row) => texts(row, 'th, td'));
    return { fromMs: from ?? 0, toMs: to ?? 0, totals: Object.fromEntries(totals), rows };
  });
}

interface Sums {
  tokens: string;
  cost: string;
  requests: string;
  hits: string;
}

const sums = `toString(sum(prompt_tokens) + sum(completion_tokens)) AS tokens, toString(sum(cost_nano_usd)) AS cost,
  toString(count()) AS requests, toString(countIf(cache_status = 'HIT')) AS hits`;
const within = ({ fromMs, toMs }: Shown) =>
  `started_at >= fromUnixTimestamp64Milli(${fromMs}) AND started_at < fromUnixTimestamp64Milli(${toMs})`;

/** Nano-dollars as the page writes them, at least two digits after the point and none lost. */
function dollars(nanoUsd: string): string {
  const digits = nanoUsd.padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0{1,7}$/, '');
  return `$${withCommas(digits.slice(0, -9))}.${fraction}`;
}
/** A column shows all its amounts with as many digits as one of them needs. */
const withoutZeros = (amount: string) => amount.replace(/0+$/, '');
const withCommas = (digits: string) => digits.replace(/\B(?=(\d{3})+$)/g, ',');

/** Waits until the tiles and SQL say the same of the range that the page shows, and returns it. */
async function agreeing(page: Page, where = '1'): Promise<Shown> {
  let last = '';
  return until('the page agrees with SQL', async () => {
    const shown = await read(page);
    if (!shown) return undefined;
    const [real] = await sql<Sums>(`SELECT ${sums} FROM usage WHERE ${within(shown)} AND ${where}`);
    assert.ok(real);
    const expected = {
      Tokens: withCommas(real.tokens),
      Cost: dollars(real.cost),
      Requests: withCommas(real.requests),
      'Cache hits': withCommas(real.hits),
    };
    last = `${JSON.stringify(shown.totals)} is not ${JSON.stringify(expected)}`;
    return JSON.stringify(shown.totals) === JSON.stringify(expected) ? shown : undefined;
  }).catch((error: Error) => {
    throw new Error(`${error.message}: ${last}`);
  });
}

const requestsOf = ({ totals }: Shown) => Number(totals.Requests?.replaceAll(',', ''));

test('the page asks for the admin token, and refuses another one', async () => {
  const { page } = await open('/');
  const field = page.getByLabel('Admin token');
  await field.fill('not-the-token-of-this-console');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'not the admin token' }).waitFor();
  await field.fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Teams by model' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Teams by model' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await field.waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.context().close();
});

test('a token in the fragment signs in and leaves the address at once', async () => {
  const { page } = await signedIn('?last=6h');
  await agreeing(page);
  assert.equal(page.url(), `${status.consoleUrl}/?last=6h`);
  await page.context().close();
});

test('totals and the table of teams by model are what SQL says', async () => {
  const { page, complaints } = await signedIn();
  const shown = await agreeing(page);
  assert.ok(requestsOf(shown) >= 5);
  const real = await sql<Sums & { team: string; model: string; prompt: string; completion: string }>(
    `SELECT team, model, ${sums}, toString(sum(prompt_tokens)) AS prompt, toString(sum(completion_tokens)) AS completion
     FROM usage WHERE ${within(shown)} GROUP BY team, model`,
  );
  let team = '';
  const rows = shown.rows.map((cells) => {
    if (cells.length === 11) team = cells[0] ?? '';
    const [model = '', requests = '', prompt = '', completion = '', hits = ''] = cells.slice(-10);
    const cost = withoutZeros(cells.at(-1) ?? '');
    return [team, model, requests, prompt, completion, hits, cost].join(' | ');
  });
  const expected = real.map(({ team: name, model, requests, prompt, completion, hits, cost }) =>
    [
      name,
      model || 'no model',
      ...[requests, prompt, completion, hits].map(withCommas),
      withoutZeros(dollars(cost)),
    ].join(' | '),
  );
  assert.deepEqual(rows.sort(), expected.sort());
  const alignments = await page
    .locator('.usage tbody .figure')
    .evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell).textAlign));
  assert.deepEqual([...new Set(alignments)], ['right']);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test('the range, the team and the model change the figures', async () => {
  const { page } = await signedIn('?last=15m');
  const all = await agreeing(page);
  await page.getByLabel('30 d', { exact: true }).check();
  const month = await agreeing(page);
  assert.ok(month.fromMs < all.fromMs && requestsOf(month) >= requestsOf(all));
  await page.getByLabel('Team', { exact: true }).first().selectOption('product');
  const product = await agreeing(page, "team = 'product'");
  assert.ok(requestsOf(product) >= 2 && requestsOf(product) < requestsOf(month));
  assert.deepEqual(
    [...new Set(product.rows.filter((cells) => cells.length === 11).map(([team]) => team))],
    ['product'],
  );
  const model = product.rows[0]?.at(-10) ?? '';
  await page.getByRole('combobox', { name: 'Model' }).selectOption(model);
  await agreeing(page, `team = 'product' AND model = '${model}'`);
  await page.context().close();

  const { page: earlier } = await signedIn(
    `?from=${new Date(middleMs - 3_600_000).toISOString()}&to=${new Date(middleMs).toISOString()}`,
  );
  const before = await agreeing(earlier);
  assert.ok(requestsOf(before) <= requestsOf(all) - 2, 'later requests are left out');
  await earlier.getByLabel('From', { exact: true }).fill('2026-01-01T00:00');
  await earlier.getByLabel('To', { exact: true }).fill('2026-01-01T01:00');
  await earlier.getByRole('button', { name: 'Show', exact: true }).click();
  await earlier.getByRole('heading', { name: 'No requests in this range' }).waitFor();
  assert.equal(requestsOf(await agreeing(earlier)), 0);
  await earlier.context().close();
});

test('a new request shows up while the page is looked at', async () => {
  const { page } = await signedIn('?last=15m');
  const before = requestsOf(await agreeing(page));
  await page.evaluate(() => document.body.setAttribute('data-loaded-once', ''));
  await ask(keys.engineering, 'A new request for the page');
  await page.waitForFunction(
    (count) => Number([...document.querySelectorAll('.tile .value')][2]?.textContent?.replaceAll(',', '')) > count,
    before,
    { timeout: 30_000 },
  );
  assert.equal(requestsOf(await agreeing(page)), before + 1);
  assert.ok(await page.locator('body[data-loaded-once]').count(), 'without a reload');
  await page.context().close();
});

test('charts are painted, and can be read with the keyboard', async () => {
  const { page } = await signedIn('?last=15m');
  await agreeing(page);
  for (const name of ['Tokens', 'Cost', 'Requests', 'Cache hits']) {
    const chart = page.getByRole('slider', { name: `${name} over time` });
    const painted = await chart.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
      const colors = new Set<string>();
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] === 255) colors.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
      return colors.size;
    });
    assert.ok(painted > 1, `${name}: bars of more than one colour`);
  }
  const requests = page.getByRole('slider', { name: 'Requests over time' });
  await requests.focus();
  await page.keyboard.press('Home');
  const told = new Set<string>();
  for (let step = 0; step < 16; step += 1) {
    told.add((await requests.getAttribute('aria-valuetext')) ?? '');
    await page.keyboard.press('ArrowRight');
  }
  assert.ok(
    [...told].some((text) => /: [1-9]\d* requests, .*(engineering|product) \d/.test(text)),
    [...told].join('\n'),
  );
  await page.context().close();
});

test('without its ledger the page says so, and has the figures when it is back', async () => {
  await system.control('POST', '/engines/clickhouse/stop');
  try {
    const { page } = await signedIn('?last=15m');
    await page.getByRole('heading', { name: 'The ledger is not there yet' }).waitFor();
    const id = await ask(keys.engineering, 'Asked while the ledger is away');
    await system.control('POST', '/engines/clickhouse/start');
    await page.getByRole('heading', { name: 'Teams by model' }).waitFor({ timeout: 60_000 });
    await inLedger([id]);
    await agreeing(page);
    await page.context().close();
  } finally {
    await system.control('POST', '/engines/clickhouse/start');
  }
});

test('it fits a phone, follows the theme of the system, and says when the console is gone', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'tollgate-page-'));
  const grounds: string[] = [];
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 1280],
    ['light', 400],
    ['dark', 400],
  ] as const) {
    const { page } = await signedIn('?last=15m', { colorScheme, viewport: { width, height: 900 } });
    await agreeing(page);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.equal(overflow, 0, `${width} px`);
    grounds.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.screenshot({ path: path.join(folder, `${colorScheme}-${width}.png`), fullPage: true });
    await page.context().setOffline(true);
    await page.getByLabel('1 h', { exact: true }).check();
    await page.getByRole('heading', { name: 'The console cannot be reached' }).waitFor();
    await page.context().close();
  }
  assert.notEqual(grounds[0], grounds[1]);
  t.diagnostic(`screenshots: ${folder}`);
});
