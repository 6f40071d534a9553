import { expect, test } from 'bun:test';
import { PROBLEMS } from '../../src/http/problems.ts';
import { problem } from '../support/expected.ts';
import type { OpenApiDocument } from '../support/openapi.ts';
import { serve } from '../support/server.ts';

const PUBLIC_URL = 'https://todo.example/v1';

test('Each problem has a page that loads nothing, may be kept for an hour, and answers HEAD', async () => {
  await using server = serve();
  for (const [name, { status, title }] of Object.entries(PROBLEMS)) {
    const answer = await fetch(`${server.origin}/problems/${name}`);
    const text = await answer.text();
    expect(answer.status).toBe(200);
    expect(text).toContain(`<h1>${title}</h1>\n<p><code>${name}</code>, status ${status}</p>\n<h2>When</h2>\n<p>`);
    expect(text).toContain('</p>\n<h2>What to do</h2>\n<p>');
    const told = Object.fromEntries(
      ['content-type', 'content-security-policy', 'cache-control'].map((header) => [
        header,
        answer.headers.get(header),
      ]),
    );
    expect(told).toEqual({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
      'cache-control': 'public, max-age=3600',
    });
    const head = await fetch(`${server.origin}/problems/${name}`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    for (const [header, value] of Object.entries(told)) expect(head.headers.get(header)).toBe(value);
  }
});

test('What is code in an explanation is code on the page, and nothing is left unescaped', async () => {
  await using server = serve();
  const text = await (await fetch(`${server.origin}/problems/task-not-found`)).text();
  expect(text).toContain(
    '<p>this user has no task with this id, or it is in the bin; another user&#x27;s task looks the same</p>',
  );
  expect(text).toContain('<p>list the tasks, or the bin with <code>deleted=true</code></p>');
});

test.each(['nothing', 'constructor', '__proto__', 'Not-Found'])('There is no page for %s', async (name) => {
  await using server = serve();
  const answer = await server.call('GET', `/problems/${name}`);
  expect(answer).toMatchObject(
    problem(`/problems/${name}`, {
      type: 'not-found',
      title: 'There is nothing at this address',
      status: 404,
      detail: 'There is no problem of that name.',
    }),
  );
});

test('The type of a problem leads to its page under PUBLIC_URL, in answers and in the document', async () => {
  await using server = serve({ publicUrl: PUBLIC_URL });
  const answer = await fetch(`${server.origin}/nothing`);
  expect(((await answer.json()) as { type: string }).type).toBe(`${PUBLIC_URL}/problems/not-found`);
  const document = JSON.stringify((await server.call<OpenApiDocument>('GET', '/swagger/json')).body);
  expect(document).toContain(`"const":"${PUBLIC_URL}/problems/task-not-found"`);
  expect(document).not.toContain('urn:problem-type');
});
