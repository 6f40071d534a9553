/** The service under a path that a real gateway takes away, with PUBLIC_URL saying so: `bun run test:gateway`. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chromium } from 'playwright-core';
import type { Task } from '../../src/tasks/schema.ts';
import type { OpenApiDocument } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';
import { startService } from '../support/service.ts';
import { freePort, GATEWAYS, HAPROXY_DEFAULTS, nginxWith, type Program, startGateway } from './gateways.ts';

const TIMEOUT_MS = 60_000;
/** A browser on a busy machine takes its time. */
const BROWSER_TIMEOUT_MS = 300_000;

const PREFIXED = {
  nginx: nginxWith(
    (port, service) => `
  server {
    listen 127.0.0.1:${port};
    location /todo/ { proxy_pass http://${service}/; }
  }`,
  ),
  Caddy: {
    ...GATEWAYS.Caddy,
    config: (port, service) => `
{
  admin off
}
:${port} {
  handle_path /todo/* {
    reverse_proxy ${service}
  }
}
`,
  },
  HAProxy: {
    ...GATEWAYS.HAProxy,
    config: (port, service) => `${HAPROXY_DEFAULTS}frontend gateway
  bind 127.0.0.1:${port}
  http-request deny deny_status 404 unless { path_beg /todo/ }
  http-request replace-path /todo(/.*) \\1
  default_backend service
backend service
  server service ${service}
`,
  },
} satisfies Record<string, Program>;

/** @returns the address of the service with the prefix, and no slash at the end. */
async function startBehind(program: Program) {
  const port = freePort();
  const address = `http://127.0.0.1:${port}/todo`;
  const service = await startService({ DATABASE_URL: await createDatabase(), PUBLIC_URL: address });
  const gateway = await startGateway(program, service.origin, port);
  return {
    address,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
}

describe.each(Object.entries(PREFIXED))('Behind %s, which takes /todo away,', (_, program) => {
  let behind: Awaited<ReturnType<typeof startBehind>>;
  let address: string;

  beforeAll(async () => {
    behind = await startBehind(program);
    address = behind.address;
  }, TIMEOUT_MS);

  afterAll(() => behind[Symbol.asyncDispose](), TIMEOUT_MS);

  const create = (title: string) =>
    fetch(`${address}/api/ada/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title }),
    });

  test('every address that an answer names leads to what it says', async () => {
    const created = await create('first');
    const task = (await created.json()) as Task;
    expect(task.url).toStartWith(`${address}/api/ada/tasks/`);
    expect(created.headers.get('location')).toBe(task.url);
    expect(await (await fetch(task.url)).json()).toEqual(task);

    const other = (await (await create('second')).json()) as Task;
    const page = await fetch(`${address}/api/ada/tasks?limit=1`);
    expect(await page.json()).toEqual([other]);
    const links = [...(page.headers.get('link') ?? '').matchAll(/<([^>]+)>; rel="(\w+)"/g)];
    expect(links.map(([, , relation]) => relation)).toEqual(['next', 'first']);
    const pages = await Promise.all(links.map(async ([, link = '']) => (await fetch(link)).json()));
    expect(pages).toEqual([[task], [other]]);
  });

  test('the instance of a problem is the path that was asked for', async () => {
    for (const path of ['/api/ada/tasks/1', '/api/ada/tasks?limit=0', '/nowhere', '/api/ada/..%5Cbob/tasks']) {
      const answer = await fetch(address + path);
      const { instance } = (await answer.json()) as { instance: string };
      // nginx has decoded what it could, and encoded it anew.
      expect(decodeURIComponent(instance)).toBe(decodeURIComponent(new URL(address + path).pathname));
    }
  });

  test('the root leads to the page, whose files and document are there', async () => {
    const page = await fetch(`${address}/`);
    expect([page.status, page.url]).toEqual([200, `${address}/swagger`]);
    const files = [...(await page.text()).matchAll(/(?:src|href)="([^"]*)"/g)].map(([, file = '']) => file);
    expect(files).toHaveLength(4);
    for (const file of files) expect((await fetch(new URL(file, page.url))).status, file).toBe(200);
    const document = (await (await fetch(`${address}/swagger/json`)).json()) as OpenApiDocument;
    expect(document.servers).toEqual([{ url: address }]);
  });
});

test(
  'In a browser, the page creates a task through the gateway',
  async () => {
    const executablePath = process.env.CHROMIUM ?? Bun.which('chromium') ?? Bun.which('google-chrome') ?? undefined;
    if (!executablePath) throw new Error('There is no Chromium on the PATH; CHROMIUM can say where it is.');
    await using behind = await startBehind(PREFIXED.nginx);
    const { address } = behind;
    // Root in a container has no sandbox; the page that is opened is our own.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(BROWSER_TIMEOUT_MS);
      const failed: string[] = [];
      page.on('response', (answer) => answer.status() >= 400 && failed.push(`${answer.status()} ${answer.url()}`));
      await page.goto(`${address}/`);
      const operation = page.locator('[id$="-createTask"]');
      await operation.locator('.opblock-summary-control').click();
      await operation.getByRole('button', { name: 'Try it out' }).click();
      await operation.getByPlaceholder('user_id', { exact: true }).fill('ada');
      await operation.getByRole('button', { name: 'Execute' }).click();
      const answer = operation.locator('.live-responses-table tbody .response').first();
      expect(await answer.textContent()).toStartWith('201');
      expect(failed).toEqual([]);
      expect(await (await fetch(`${address}/api/ada/tasks`)).json()).toHaveLength(1);
    } finally {
      await browser.close();
    }
  },
  BROWSER_TIMEOUT_MS,
);
