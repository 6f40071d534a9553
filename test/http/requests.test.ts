import { describe, expect, test } from 'bun:test';
import { DatabaseUnavailable } from '../../src/errors.ts';
import { databases } from '../support/databases.ts';
import { problem } from '../support/expected.ts';
import { serve } from '../support/server.ts';
import { until } from '../support/until.ts';

describe('X-Request-Id', () => {
  for (const id of [
    'a',
    '0a4bd2c7-6f0e-4d47-9c1b-7f3f4c9d4b52',
    'Root=1-67891233-abcdef012345678912345678',
    'x'.repeat(128),
  ]) {
    test(`is kept: ${id.slice(0, 40)}`, async () => {
      await using server = serve();
      const { headers } = await server.call('GET', server.root, { headers: { 'x-request-id': id } });
      expect(headers['x-request-id']).toBe(id);
    });
  }

  for (const id of ['', ' ', 'a b', 'a,b', '{"level":60}', 'é', '<script>', 'x'.repeat(129)]) {
    test(`is replaced: ${JSON.stringify(id.slice(0, 40))}`, async () => {
      await using server = serve();
      const { headers } = await server.call('GET', server.root, { headers: { 'x-request-id': id } });
      expect(headers['x-request-id']).toBe('request-1');
    });
  }

  test('is told in a problem document and in the log as well', async () => {
    await using server = serve();
    const { call, root, log } = server;
    const answer = await call('GET', `${root}/an-id`, { headers: { 'x-request-id': 'mine' } });
    expect(answer).toMatchObject({ headers: { 'x-request-id': 'mine' }, body: { request_id: 'mine' } });
    await until(() => log.length === 1);
    expect(log).toMatchObject([{ request_id: 'mine' }]);
  });
});

describe('Cache-Control', () => {
  test('keeps shared caches from every answer about tasks, and private ones from using it unasked', async () => {
    await using server = serve();
    const { call, root, create } = server;
    const { url } = await create();
    for (const [method, path, status] of [
      ['GET', url, 200],
      ['GET', root, 200],
      ['GET', `${root}/an-id`, 404],
      ['GET', `${root}?limit=0`, 400],
      ['PUT', root, 405],
      ['PATCH', `${url}/complete`, 200],
      ['DELETE', url, 204],
      ['POST', `${url}/restore`, 200],
    ] as const) {
      expect(await call(method, path)).toMatchObject({ status, headers: { 'cache-control': 'private, no-cache' } });
    }
  });
});

describe('The log', () => {
  test('has one line for each request, with the pattern of its route and nothing of its user', async () => {
    await using server = serve();
    const { call, root, user, log, create } = server;
    const { id, url } = await create({ title: 'A secret title' });
    await call('GET', url, { headers: { authorization: 'Bearer hidden', cookie: 'hidden' } });
    await call('PATCH', `${url}/complete`);
    await call('GET', `${root}/an-id`);
    await call('GET', `${root}?limit=hidden`);
    await call('GET', `/nothing/${user}`);
    await call('PUT', root);
    await call('POST', root, { raw: '{', headers: { 'content-type': 'application/json' } });
    await call('GET', '/');
    await call('OPTIONS', root);
    await until(() => log.length === 10);
    const line = (n: number, method: string, route: string | null, status: number) => ({
      level: 'info',
      request_id: `request-${n}`,
      method,
      route,
      status,
      duration_ms: expect.any(Number),
      msg: 'request',
    });
    const tasks = '/api/:user_id/tasks/';
    expect(log).toEqual([
      line(1, 'POST', tasks, 201),
      line(2, 'GET', `${tasks}:id`, 200),
      line(3, 'PATCH', `${tasks}:id/complete`, 200),
      line(4, 'GET', `${tasks}:id`, 404),
      line(5, 'GET', tasks, 400),
      line(6, 'GET', null, 404),
      line(7, 'PUT', null, 405),
      line(8, 'POST', tasks, 400),
      line(9, 'GET', '/', 302),
      line(10, 'OPTIONS', expect.anything(), 204),
    ]);
    const text = JSON.stringify(log);
    for (const hidden of [user, id, 'hidden', 'secret']) expect(text).not.toContain(hidden);
  });

  test('carries the trace id of a valid traceparent, and of no other', async () => {
    await using server = serve();
    const { call, root, log } = server;
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const parents = [
      `00-${trace}-00f067aa0ba902b7-01`,
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      `01-${trace}`,
      '{}',
    ];
    for (const traceparent of parents) await call('GET', root, { headers: { traceparent } });
    await until(() => log.length === parents.length);
    expect(log.map(({ trace_id }) => trace_id)).toEqual([trace, undefined, undefined, undefined]);
  });

  test('tells of a fault of the service, with the id of the request and nothing of its user', async () => {
    await using server = serve({ newTaskId: () => 'no UUID' });
    const { call, root, user, log } = server;
    const answer = await call('POST', root, { body: { title: 'A secret title', description: 'secret' } });
    expect(answer).toEqual(
      problem(root, {
        type: 'internal-error',
        title: 'Something went wrong',
        status: 500,
        detail: 'The log has the cause under the request id.',
      }),
    );
    await until(() => log.length === 2);
    expect(log).toMatchObject([
      { level: 'error', request_id: 'request-1', error: { sqlState: '22P02' } },
      { level: 'info', request_id: 'request-1', status: 500 },
    ]);
    const text = JSON.stringify(log);
    for (const hidden of [user, 'secret', 'insert into']) expect(text).not.toContain(hidden);
  });

  test('tells why the database could not be reached', async () => {
    const cause = Object.assign(new Error('Connection refused'), { code: 'ECONNREFUSED' });
    const read = () => Promise.reject(new DatabaseUnavailable(cause));
    await using server = serve({}, { ...databases[0], read });
    const { call, root, log } = server;
    expect(await call('GET', root)).toMatchObject({ status: 503 });
    await until(() => log.length === 2);
    expect(log[0]).toEqual({
      level: 'error',
      request_id: 'request-1',
      error: { name: 'Error', message: 'Connection refused', stack: expect.any(String) },
      msg: 'The database cannot be reached.',
    });
  });

  test('tells of a broken constraint by its name when the request has an Idempotency-Key too', async () => {
    const id = '01980a3e-7c00-7000-8000-000000000000';
    await using server = serve({ newTaskId: () => id });
    const { call, root, log, create } = server;
    await create();
    const headers = { 'idempotency-key': 'k' };
    expect(await call('POST', root, { body: { title: 'a' }, headers })).toMatchObject({ status: 500 });
    await until(() => log.length === 3);
    expect(log[1]).toMatchObject({ level: 'error', error: { sqlState: '23505', constraint: 'tasks_pkey' } });
  });

  test('tells of a broken constraint by its name, not by the row', async () => {
    const id = '01980a3e-7c00-7000-8000-000000000000';
    await using server = serve({ newTaskId: () => id });
    const { call, root, user, log, create } = server;
    await create();
    expect(await call('POST', root, { body: { title: 'A secret title' } })).toMatchObject({ status: 500 });
    await until(() => log.length === 3);
    expect(log[1]).toMatchObject({ level: 'error', error: { sqlState: '23505', constraint: 'tasks_pkey' } });
    const text = JSON.stringify(log);
    for (const hidden of [user, id, 'secret']) expect(text).not.toContain(hidden);
  });
});
