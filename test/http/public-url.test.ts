/** What is told of addresses when PUBLIC_URL has a path, which a gateway takes away; behind a real one: test/gateway. */
import { expect, test } from 'bun:test';
import type { OpenApiDocument } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

const PUBLIC_URL = 'https://todo.example/v1';

test.each([
  [PUBLIC_URL, '/v1'],
  ['https://todo.example', ''],
])('Under %s the instance of a problem is the path that the client sees', async (publicUrl, prefix) => {
  await using server = serve({ publicUrl });
  const { send, root } = server;
  const instanceOf = async (method: string, path: string) => {
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    return (await send<{ instance: string }>(head)).body.instance;
  };
  for (const [method, path] of [
    ['GET', `${root}/1`],
    ['GET', `${root}?limit=0`],
    ['GET', '/nowhere'],
    ['DELETE', '/'],
    ['GET', '//'],
  ] as const)
    expect(await instanceOf(method, path)).toBe(prefix + path.replace(/\?.*/, ''));
});

test('The document names the public address as its server, and the page may talk to it', async () => {
  await using server = serve({ publicUrl: PUBLIC_URL });
  const { body } = await server.call<OpenApiDocument>('GET', '/swagger/json');
  expect(body.servers).toEqual([{ url: PUBLIC_URL }]);
  const page = await server.call('GET', '/swagger');
  expect(page.headers['content-security-policy']).toContain("; connect-src 'self' https://todo.example; ");
});
