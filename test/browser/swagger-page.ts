/**
 * The documentation page in a real browser that reaches nothing but the service. Apart from the suite because it needs
 * Chromium: `bun run test:browser` finds it on the PATH, or where CHROMIUM says.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { OpenApiDocument } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

const TIMEOUT_MS = 60_000;

let browser: Browser;

beforeAll(async () => {
  const executablePath = process.env.CHROMIUM ?? Bun.which('chromium') ?? Bun.which('google-chrome') ?? undefined;
  if (!executablePath) throw new Error('There is no Chromium on the PATH; CHROMIUM can say where it is.');
  // Root in a container has no sandbox; the page that is opened is our own.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}, TIMEOUT_MS);

afterAll(() => browser.close());

/** The page at `origin`, with all else cut off, and what it asked for in vain or complained of. */
async function openPage(origin: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage();
  const faults: string[] = [];
  await page.route('**', (route) => {
    const url = route.request().url();
    if (url.startsWith(`${origin}/`) || url.startsWith('data:')) return route.continue();
    faults.push(`asked for ${url}`);
    return route.abort();
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(origin);
  await page.locator('.opblock').first().waitFor();
  return { page, faults };
}

/** Fills in the parameters of an operation and sends it. @returns what the page shows of the answer. */
async function tryOut(page: Page, operationId: string, parameters: Record<string, string>): Promise<string> {
  const operation = page.locator(`[id$="-${operationId}"]`);
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  for (const [name, value] of Object.entries(parameters)) {
    await operation.getByPlaceholder(name, { exact: true }).fill(value);
  }
  await operation.getByRole('button', { name: 'Execute' }).click();
  return (await operation.locator('.live-responses-table tbody .response').first().textContent()) ?? '';
}

test(
  'The page shows every operation, with no network but the service',
  async () => {
    await using server = serve();
    const { body } = await server.call<OpenApiDocument>('GET', '/swagger/json');
    const documented = Object.values(body.paths).flatMap((methods) => Object.values(methods));
    const { page, faults } = await openPage(server.origin);
    expect(page.url()).toBe(`${server.origin}/swagger`);
    expect(await page.title()).toBe('Todo API');
    const shown = await page.locator('.opblock').evaluateAll((blocks) => blocks.map(({ id }) => id.split('-').at(-1)));
    expect(shown.sort()).toEqual(documented.map(({ operationId }) => operationId).sort());
    for (const block of await page.locator('.opblock-summary-control').all()) await block.click();
    await page
      .locator('.opblock.is-open')
      .nth(documented.length - 1)
      .waitFor();
    expect(await page.locator('.errors-wrapper').count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  },
  TIMEOUT_MS,
);

test(
  'The page creates a task from the example as it stands, and reads it back',
  async () => {
    await using server = serve();
    const { user, stored } = server;
    const { page, faults } = await openPage(server.origin);
    expect(await tryOut(page, 'createTask', { user_id: user })).toStartWith('201');
    const { tasks } = await stored();
    expect(tasks).toHaveLength(1);
    const [task] = tasks as [(typeof tasks)[0]];
    const answer = await tryOut(page, 'getTask', { user_id: user, id: task.id });
    expect(answer).toStartWith('200');
    expect(answer).toContain(task.title);
    expect(faults).toEqual([]);
    await page.close();
  },
  TIMEOUT_MS,
);
