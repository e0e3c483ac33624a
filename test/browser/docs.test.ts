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

  /**
   * Opens an operation, replaces the suggested body and executes it.
   *
   * @returns the status and body that the page shows when it shows `part` of the body
   */
  async function execute(
    operationId: string,
    change: (suggested: any) => unknown,
    part: string,
  ): Promise<{ status: string; body: unknown }> {
    const operation = page.locator(`#operations-${operationId}`);
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('tr[data-param-name="team"] input').fill(caller.teamId);
    const text = operation.locator('textarea.body-param__text');
    await text.fill(JSON.stringify(change(JSON.parse(await text.inputValue())), null, 2));
    await operation.getByRole('button', { name: 'Execute' }).click();
    const response = operation.locator('.live-responses-table');
    const body = response.locator('pre code').first();
    await body.getByText(part).first().waitFor();
    const status = await response.locator('.response-col_status').last().innerText();
    return { status: status.trim(), body: JSON.parse(await body.innerText()) };
  }

  it('sends a batch and shows the result of each item', async () => {
    const id = await caller.create({ default: { name: 'Acme' } });
    const { body } = await execute(
      'Batch-batchUpdate',
      ({ items }: { items: { id: string }[] }) => {
        expect(items).toHaveLength(4);
        const [first, ...others] = items;
        return { items: [{ ...first, id }, ...others] };
      },
      '"succeeded"',
    );
    expect(body).toMatchObject({
      results: [{ id, status: 'ok' }, { status: 'error' }, { status: 'error' }, { id: null, status: 'error' }],
      summary: { total: 4, succeeded: 1, failed: 3 },
    });
    expect((await caller.read(id)).record).toMatchObject({ default: { stage: 'won' } });
  });

  it('sends a query and shows the records', async () => {
    const query = { select: ['name'], filter: [{ name: { '=': 'Globex' } }] };
    const id = await caller.create({ default: { name: 'Globex' } });
    const { status, body } = await execute('Queries-queryRecords', () => ({ query }), '"has_more"');
    expect(status).toBe('200');
    expect(body).toMatchObject({ data: [{ id, properties: { name: 'Globex' } }], has_more: false });
  });

  it('sends an import and shows the result of each row', async () => {
    const imported = await execute('Imports-importRecords', (suggested) => suggested, '"job_id"');
    expect(imported).toMatchObject({
      status: '200',
      body: {
        job_id: null,
        succeeded: 1,
        failed: 1,
        results: [{ created: true }, { error: { code: 'unknown_option' } }],
      },
    });
  });

  it('sends a longer import and shows its job', async () => {
    await page.locator('#operations-Imports-importRecords .opblock-summary-control').click(); // closes it
    const objects = Array.from({ length: 100 }, (_, index) => ({ default: { name: `Company ${index}` } }));
    const job = await execute('Imports-importRecords', () => ({ objects }), '"processing"');
    expect(job).toMatchObject({ status: '202', body: { status: 'processing', total: 100 } });
    expect(job.body).toHaveProperty('job_id', expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  it('sends requests to the gateway only, without browser errors', () => {
    expect(requested.length).toBeGreaterThan(5);
    const elsewhere = requested.filter((url) => !url.startsWith(`${gateway.url}/`) && !url.startsWith('data:'));
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
