/**
 * The documentation page in a real browser that reaches nothing but the service. Apart from the suite because it needs
 * Chromium: `bun run test:browser` finds it on the PATH, or where CHROMIUM says.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Call } from '../support/client.ts';
import type { OpenApiDocument } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

/** A bound for a busy machine; no test waits for it. */
const TIMEOUT_MS = 120_000;

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

let browser: Browser;

beforeAll(async () => {
  const executablePath = process.env.CHROMIUM ?? Bun.which('chromium') ?? Bun.which('google-chrome') ?? undefined;
  if (!executablePath) throw new Error('There is no Chromium on the PATH; CHROMIUM can say where it is.');
  // Root in a container has no sandbox; the page that is opened is our own.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}, TIMEOUT_MS);

afterAll(() => browser.close(), TIMEOUT_MS);

interface OpenPage {
  page: Page;
  /** What it asked for in vain, or complained of. */
  faults: string[];
}

/** The page at `origin`, with all else cut off. */
async function openPage(origin: string, viewport = DESKTOP): Promise<OpenPage> {
  const page = await browser.newPage({ viewport });
  const faults: string[] = [];
  await page.route('**', (route) => {
    const url = route.request().url();
    if (url.startsWith(`${origin}/`) || url.startsWith('data:')) return route.continue();
    faults.push(`asked for ${url}`);
    return route.abort();
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // The browser says so of every answer that is an error; the next one counts those.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} to ${response.request().method()}`);
  });
  await page.goto(origin);
  await page.locator('.opblock').first().waitFor();
  return { page, faults };
}

/** Opens an operation, fills in the parameters that it has of these, and leaves all else as the page offers it. */
async function tryOut(page: Page, operationId: string, parameters: Record<string, string>) {
  const operation = page.locator(`[id$="-${operationId}"]`);
  const summary = operation.locator('.opblock-summary-control');
  await summary.click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  for (const [name, value] of Object.entries(parameters)) {
    const field = operation.getByPlaceholder(name, { exact: true });
    if ((await field.count()) > 0) await field.fill(value);
  }
  return {
    /** @returns the status of the answer, once the page shows it */
    async execute(): Promise<number> {
      const answered = page.waitForResponse((response) => response.request().resourceType() === 'fetch');
      await operation.getByRole('button', { name: 'Execute' }).click();
      const status = (await answered).status();
      const shown = operation.locator('.live-responses-table .response-col_status', { hasText: String(status) });
      await shown.first().waitFor();
      return status;
    },
    shown: () => operation.locator('.live-responses-table tbody .response').first().textContent(),
    close: () => summary.click(),
  };
}

const widthOf = (page: Page) => page.evaluate('document.documentElement.scrollWidth');

test(
  'The page shows every operation, with no network but the service',
  async () => {
    await using server = serve();
    const operationIds = await operationsOf(server);
    const { page, faults } = await openPage(server.origin);
    expect(page.url()).toBe(`${server.origin}/swagger`);
    expect(await page.title()).toBe('Todo API');
    const shown = await page.locator('.opblock').evaluateAll((blocks) => blocks.map(({ id }) => id.split('-').at(-1)));
    expect(shown.sort()).toEqual(operationIds.map(({ operationId }) => operationId).sort());
    expect(await page.locator('.errors-wrapper').count()).toBe(0);
    expect(faults).toEqual([]);
    await page.close();
  },
  TIMEOUT_MS,
);

async function operationsOf({ call }: { call: Call }) {
  const { body } = await call<OpenApiDocument>('GET', '/swagger/json');
  return Object.values(body.paths)
    .flatMap((methods) => Object.values(methods))
    .map(({ operationId, responses }) => ({ operationId, success: Number(Object.keys(responses)[0]) }));
}

/** The second time, where that differs from the first. */
const AGAIN: Record<string, number> = { deleteTask: 404 };

for (const [name, viewport] of [
  ['a desktop', DESKTOP],
  ['a phone', PHONE],
] as const) {
  test(
    `On ${name} every operation can be tried out as the page offers it, twice, and the page is no wider than the screen`,
    async () => {
      await using server = serve();
      const { user, create, origin } = server;
      const { page, faults } = await openPage(origin, viewport);
      expect(await widthOf(page)).toBe(viewport.width);
      const answers: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      for (const { operationId, success } of await operationsOf(server)) {
        const { id } = await create();
        const operation = await tryOut(page, operationId, { user_id: user, id });
        const statuses = [await operation.execute(), await operation.execute()];
        answers[operationId] = { statuses, width: await widthOf(page) };
        expected[operationId] = { statuses: [success, AGAIN[operationId] ?? success], width: viewport.width };
        await operation.close();
      }
      expect(answers).toEqual(expected);
      expect(faults).toEqual(['404 to DELETE']);
      await page.close();
    },
    10 * TIMEOUT_MS,
  );
}

test(
  'The page creates as many tasks as Execute was pressed, from the example, and reads one back',
  async () => {
    await using server = serve();
    const { user, stored } = server;
    const { page, faults } = await openPage(server.origin);
    const creation = await tryOut(page, 'createTask', { user_id: user });
    expect([await creation.execute(), await creation.execute()]).toEqual([201, 201]);
    const { tasks } = await stored();
    expect(tasks).toHaveLength(2);
    const [task] = tasks as [(typeof tasks)[0]];
    const reading = await tryOut(page, 'getTask', { user_id: user, id: task.id });
    expect(await reading.execute()).toBe(200);
    expect(await reading.shown()).toContain(task.title);
    expect(faults).toEqual([]);
    await page.close();
  },
  TIMEOUT_MS,
);

test(
  'A browser that has a list gets the count when it asks for it, and keeps the list when nothing has changed',
  async () => {
    await using server = serve();
    await server.create();
    // Not by openPage: a page whose requests are intercepted has no cache.
    const page = await browser.newPage();
    await page.goto(`${server.origin}/health/live`);
    const counts = await page.evaluate(async (path) => {
      const counts: (string | null)[] = [];
      for (const headers of [{}, { prefer: 'count=exact' }, {}, { prefer: 'count=exact' }, { prefer: 'count=exact' }]) {
        const answer = await fetch(path, { headers: headers as Record<string, string> });
        counts.push(`${answer.headers.get('x-total-count')} of ${((await answer.json()) as unknown[]).length}`);
      }
      return counts;
    }, server.root);
    expect(counts).toEqual(['null of 1', '1 of 1', 'null of 1', '1 of 1', '1 of 1']);
    await page.close();
  },
  TIMEOUT_MS,
);
