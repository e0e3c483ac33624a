// @module-tag chromium
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { findExecutable } from '../support/prerequisites.mjs';

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let gateway: TestGateway;
let caller: ApiClient;
let browser: Browser;
let page: Page;
const requested: string[] = [];
const complaints: string[] = [];

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  browser = await chromium.launch({ executablePath: findExecutable('chromium') ?? '', args: ARGUMENTS });
  page = await browser.newPage({ viewport: { width: 1280, height: 1400 } });
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
});

afterAll(async () => {
  await browser.close();
  await gateway.close();
});

describe('the documentation page', () => {
  it('shows the operations', async () => {
    await page.goto(`${gateway.url}/docs`);
    await page.getByText('Patch up to 100 records, each in its own transaction').waitFor();
    expect(await page.title()).toBe('Prism gateway');
  });

  it('accepts the API key', async () => {
    await page.getByRole('button', { name: 'Authorize' }).click();
    await page
      .getByLabel('auth-api-key')
      .or(page.locator('.auth-container input'))
      .first()
      .fill(caller.credentials.apiKey);
    await page.locator('.auth-btn-wrapper').getByRole('button', { name: 'Apply credentials' }).click();
    await page.locator('.auth-btn-wrapper').getByRole('button', { name: 'Close' }).click();
  });

  it('sends a batch and shows the result of each item', async () => {
    const id = await caller.create({ default: { name: 'Acme' } });
    const operation = page.locator('#operations-Batch-batchUpdate');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('tr[data-param-name="team"] input').fill(caller.teamId);

    const body = operation.locator('textarea.body-param__text');
    const suggested = JSON.parse(await body.inputValue()) as { items: { id: string }[] };
    expect(suggested.items).toHaveLength(4);
    const [first, ...others] = suggested.items;
    await body.fill(JSON.stringify({ items: [{ ...first, id }, ...others] }, null, 2));
    await operation.getByRole('button', { name: 'Execute' }).click();

    const response = operation.locator('.live-responses-table pre code').first();
    await response.getByText('"succeeded"').waitFor();
    expect(JSON.parse(await response.innerText())).toMatchObject({
      results: [{ id, status: 'ok' }, { status: 'error' }, { status: 'error' }, { id: null, status: 'error' }],
      summary: { total: 4, succeeded: 1, failed: 3 },
    });
    expect((await caller.read(id)).record).toMatchObject({ default: { stage: 'won' } });
  });

  it('sends requests to the gateway only, without browser errors', () => {
    expect(requested.length).toBeGreaterThan(5);
    const elsewhere = requested.filter((url) => !url.startsWith(`${gateway.url}/`) && !url.startsWith('data:'));
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
