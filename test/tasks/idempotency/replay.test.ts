import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import type { TestApp } from '../../support/app.ts';
import type { RequestOptions } from '../../support/client.ts';
import { forEachDatabase } from '../../support/databases.ts';
import { problem } from '../../support/expected.ts';
import type { Answer } from '../../support/openapi.ts';

const LATER = '2026-11-21T10:30:00.000Z';
const KEY = { 'idempotency-key': 'k' };

/** The first answer, given once more. */
function replayOf({ status, headers, body }: Answer): Answer {
  const anyId = expect.any(String) as unknown as string;
  return { status, headers: { ...headers, 'idempotency-replayed': 'true', 'x-request-id': anyId }, body };
}

const keyReused = (instance: string) =>
  problem(instance, {
    type: 'key-reused',
    title: 'The Idempotency-Key was used for another request',
    status: 422,
    detail: 'This key was used for another request.',
  });

interface Request {
  what: string;
  method: string;
  /** Comes after the address of the task; without it the address is that of the list. */
  path?: string;
  body?: object;
  /** Whether it is for a task in the bin. */
  deleted?: true;
}

const REQUESTS: readonly Request[] = [
  {
    what: 'a creation',
    method: 'POST',
    body: { title: 'é🦊"\\', description: 'a\nb', tags: ['b', 'a'], due_at: '2026-12-01T09:30:00.5+05:45', order: -3 },
  },
  { what: 'a creation of a task that is completed', method: 'POST', body: { title: 'a', completed: true } },
  { what: 'a creation with a day', method: 'POST', body: { title: 'a', due_date: '2026-12-01', priority: 'high' } },
  { what: 'a patch', method: 'PATCH', path: '', body: { title: 'patched', due_date: null, tags: [] } },
  { what: 'a patch that changes nothing', method: 'PATCH', path: '', body: { title: 'Buy milk' } },
  { what: 'an empty patch', method: 'PATCH', path: '', body: {} },
  { what: 'a toggle', method: 'PATCH', path: '/complete' },
  { what: 'a completion', method: 'PATCH', path: '/complete', body: { completed: true } },
  { what: 'a completion of what is open as wanted', method: 'PATCH', path: '/complete', body: { completed: false } },
  { what: 'a restoration', method: 'POST', path: '/restore', deleted: true },
  { what: 'a restoration of what is not in the bin', method: 'POST', path: '/restore' },
];

forEachDatabase('A request that is repeated under its Idempotency-Key', (open) => {
  async function prepare(app: TestApp, { path, deleted }: Request) {
    const task = await app.create({ due_date: '2026-12-24' });
    if (deleted) await app.call('DELETE', task.url);
    return { task, address: path === undefined ? app.root : task.url + path };
  }

  for (const request of REQUESTS) {
    test(`gets the first answer again, and does nothing: ${request.what}`, async () => {
      const app = open();
      const { address } = await prepare(app, request);
      const { method, body } = request;
      const first = await app.call(method, address, { body, headers: KEY });
      expect(first.status).toBe(method === 'POST' && request.path === undefined ? 201 : 200);
      expect(first.headers).not.toHaveProperty('idempotency-replayed');
      const after = await app.stored();
      app.clock.now = Date.parse(LATER);
      expect(await app.call(method, address, { body, headers: KEY })).toEqual(replayOf(first));
      expect(await app.call(method, address, { body, headers: KEY })).toEqual(replayOf(first));
      expect(await app.stored()).toEqual(after);
    });

    test(`gets the same bytes: ${request.what}`, async () => {
      const app = open();
      const { address } = await prepare(app, request);
      const { method, body } = request;
      const read = async () => {
        const headers = { ...KEY, ...(body && { 'content-type': 'application/json' }) };
        const url = address.startsWith('/') ? `http://localhost${address}` : address;
        const answer = await app.app.handle(
          new Request(url, { method, headers, ...(body && { body: JSON.stringify(body) }) }),
        );
        return answer.text();
      };
      const first = await read();
      expect(first).toStartWith('{"id":"');
      expect(await read()).toBe(first);
    });

    test(`gets the first answer again whatever became of the task: ${request.what}`, async () => {
      const app = open();
      const { address } = await prepare(app, request);
      const { method, body } = request;
      const first = await app.call<Task>(method, address, { body, headers: KEY });
      const { url } = first.body;
      const repeat = () => app.call(method, address, { body, headers: KEY });
      await app.call('PATCH', url, { body: { title: 'changed', completed: true } });
      expect(await repeat()).toEqual(replayOf(first));
      await app.call('DELETE', url);
      const after = await app.stored();
      expect(await repeat()).toEqual(replayOf(first));
      expect(await app.stored()).toEqual(after);
      await app.call('POST', `${url}/restore`);
      expect(await repeat()).toEqual(replayOf(first));
    });
  }

  for (const [method, path, body] of [
    ['PATCH', '', { order: 1 }],
    ['PATCH', '/complete', undefined],
  ] as const) {
    test(`gets the first answer again though its If-Match has come true only once: ${method} ${path}`, async () => {
      const { call, create, stored } = open();
      const { url } = await create();
      const headers = { ...KEY, 'if-match': '"1"' };
      const first = await call(method, url + path, { body, headers });
      expect(first).toMatchObject({ status: 200, headers: { etag: '"2"' } });
      expect(await call(method, url + path, { body, headers })).toEqual(replayOf(first));
      expect((await call(method, url + path, { body, headers: { 'if-match': '"1"' } })).status).toBe(412);
      expect((await stored()).revision).toBe(2);
    });
  }

  test('gets the first answer again in strict mode, whichever tag it names now', async () => {
    const { call, create } = open({ requireIfMatch: true });
    const { url } = await create();
    const send = (tag: string) => call('PATCH', url, { body: { order: 1 }, headers: { ...KEY, 'if-match': tag } });
    const first = await send('"1"');
    expect(await send('"2"')).toEqual(replayOf(first));
    expect(await send('*')).toEqual(replayOf(first));
  });

  test('is the same request in other white space, order of members, media type and spelling of its path', async () => {
    const { call, root, create } = open();
    const { url, id } = await create();
    const raw = (text: string, type = 'application/json'): RequestOptions => ({
      raw: text,
      headers: { ...KEY, 'content-type': type },
    });
    const first = await call('PATCH', url, raw('{"title":"a","order":1}'));
    for (const [address, options] of [
      [url, raw(' { "order" : 1.0, "title" : "\\u0061" } ')],
      [url, raw('{"title":"a","order":1}', 'application/merge-patch+json; charset=utf-8')],
      [`${url}/`, raw('{"title":"a","order":1}')],
      [`${root}/${id.toUpperCase()}`, raw('{"title":"a","order":1}')],
      [url.replace('/user-', '/%75ser-'), raw('{"title":"a","order":1}')],
    ] as const)
      expect(await call('PATCH', address, options)).toEqual(replayOf(first));
  });

  test('is 422 when it asks for something else, and nothing happens', async () => {
    const { call, root, create, stored } = open();
    const { url } = await create();
    const other = await create();
    await call('PATCH', url, { body: { order: 1 }, headers: KEY });
    const before = await stored();
    for (const [method, address, body] of [
      ['PATCH', url, { order: 2 }],
      ['PATCH', url, { order: 1, title: 'a' }],
      ['PATCH', url, {}],
      ['PATCH', url, { order: null }],
      ['PATCH', other.url, { order: 1 }],
      ['PATCH', `${url}/complete`, undefined],
      ['PATCH', `${url}/complete`, { completed: true }],
      ['POST', `${url}/restore`, undefined],
      ['POST', root, { title: 'a', order: 1 }],
    ] as const) {
      const answer = await call(method, address, { body, headers: KEY });
      if (body && 'order' in body && body.order === null) expect(answer.status).toBe(400);
      else expect(answer).toEqual(keyReused(address.replace('http://localhost', '')));
    }
    expect(await stored()).toEqual(before);
  });

  test('tells completion from a toggle, and one wanted state from the other', async () => {
    const { call, create } = open();
    const { url } = await create();
    const send = (body?: object) => call('PATCH', `${url}/complete`, { body, headers: KEY });
    const first = await send({});
    expect(await send()).toEqual(replayOf(first));
    expect((await send({ completed: true })).status).toBe(422);
    expect((await send({ completed: false })).status).toBe(422);
  });

  test('may be tried again under its key after it was refused, for nothing was done', async () => {
    const { call, root, create, stored } = open();
    const { url } = await create();
    await call('DELETE', url);
    const send = (title: unknown, headers = {}) =>
      call('PATCH', url, { body: { title }, headers: { ...KEY, ...headers } });
    expect((await send('')).status).toBe(400);
    expect((await send('a')).status).toBe(404);
    await call('POST', `${url}/restore`);
    expect((await send('b', { 'if-match': '"1"' })).status).toBe(412);
    expect((await call('POST', root, { body: { title: 'x', colour: 1 }, headers: KEY })).status).toBe(400);
    const done = await send('c', { 'if-match': '"3"' });
    expect(done).toMatchObject({ status: 200, body: { title: 'c', revision: 4 } });
    expect(done.headers).not.toHaveProperty('idempotency-replayed');
    expect((await send('b')).status).toBe(422);
    expect((await stored()).revision).toBe(4);
  });

  test('that would leave the task due twice is refused, and refused again, until it is possible', async () => {
    const { call, create } = open();
    const { url } = await create({ due_date: '2026-12-01' });
    const send = () => call('PATCH', url, { body: { due_at: '2026-12-01T09:30:00Z' }, headers: KEY });
    expect((await send()).status).toBe(400);
    expect((await send()).status).toBe(400);
    await call('PATCH', url, { body: { due_date: null } });
    const done = await send();
    expect(done.status).toBe(200);
    await call('PATCH', url, { body: { due_at: null } });
    await call('PATCH', url, { body: { due_date: '2026-12-01' } });
    expect(await send()).toEqual(replayOf(done));
  });
});
