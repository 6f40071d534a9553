import { describe, expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { problem } from '../support/expected.ts';
import { serve } from '../support/server.ts';

/** Paths of one user, the methods that each takes, and those that it does not. */
const PATHS = [
  { path: '', allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST'], refused: ['PUT', 'PATCH'] },
  { path: '/', allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST'], refused: ['PUT', 'PATCH'] },
  { path: '/an-id', allow: ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'PUT'], refused: ['POST'] },
  { path: '/an-id/complete', allow: ['OPTIONS', 'PATCH'], refused: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] },
  { path: '/an-id/restore', allow: ['OPTIONS', 'POST'], refused: ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE'] },
];

const sorted = (allow = '') => allow.split(', ').sort();

describe('A method that a path does not take', () => {
  for (const { path, allow, refused } of PATHS) {
    for (const method of refused) {
      test(`is a 405 that names the methods of …/tasks${path} to ${method}`, async () => {
        await using server = serve();
        const { call, root } = server;
        const answer = await call(method, root + path);
        expect(sorted(answer.headers.allow)).toEqual(allow);
        const expected = problem(
          root + path,
          {
            type: 'method-not-allowed',
            title: 'The method is not allowed here',
            status: 405,
            detail: `This address takes ${answer.headers.allow}.`,
          },
          { allow: expect.any(String) },
        );
        expect(answer).toEqual(method === 'HEAD' ? { ...expected, body: undefined } : expected);
      });
    }
  }

  for (const path of ['/', '/swagger', '/swagger/json', '/problems/not-found', '/health/live', '/health/ready']) {
    test(`is a 405 at ${path} too`, async () => {
      await using server = serve();
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await server.call(method, path);
        expect(answer).toMatchObject({
          status: 405,
          headers: { 'content-type': 'application/problem+json' },
          body: { type: 'urn:problem-type:todo-api:method-not-allowed', status: 405, instance: path },
        });
        expect(sorted(answer.headers.allow)).toEqual(['GET', 'HEAD', 'OPTIONS']);
      }
    });
  }

  test('does not reach the task', async () => {
    await using server = serve();
    const { call, create, stored } = server;
    const { url } = await create();
    const before = await stored();
    await call('POST', url, { body: { title: 'Changed' } });
    await call('PUT', `${url}/complete`, { body: { completed: true } });
    expect(await stored()).toEqual(before);
  });
});

describe('OPTIONS', () => {
  for (const { path, allow } of PATHS) {
    test(`names the methods of …/tasks${path}`, async () => {
      await using server = serve();
      const answer = await server.call('OPTIONS', server.root + path);
      expect(answer).toMatchObject({ status: 204, body: undefined });
      expect(sorted(answer.headers.allow)).toEqual(allow);
    });
  }

  test('is a 404 where there is nothing', async () => {
    await using server = serve();
    expect(await server.call('OPTIONS', '/nothing')).toEqual(notFound('/nothing'));
  });
});

describe('HEAD', () => {
  test('answers what GET answers, without the body', async () => {
    await using server = serve();
    const { create, origin, root } = server;
    const { url } = await create();
    for (const address of [url, origin + root, `${origin}/health/live`, `${origin}/swagger`, `${origin}/nothing`]) {
      const [head, get] = await Promise.all(
        ['HEAD', 'GET'].map((method) => fetch(address, { method, headers: { 'x-request-id': 'the-same' } })),
      );
      expect(head?.status).toBe(get?.status as number);
      const headersOf = (answer?: Response) =>
        Object.fromEntries([...(answer?.headers ?? [])].filter(([name]) => name !== 'date'));
      expect(headersOf(head)).toEqual(headersOf(get));
      expect(await head?.text()).toBe('');
    }
  });
});

const notFound = (path: string) =>
  problem(path, {
    type: 'not-found',
    title: 'There is nothing at this address',
    status: 404,
    detail: 'There is nothing at this address.',
  });

describe('An address where there is nothing', () => {
  for (const path of [
    '/nothing',
    '/api',
    '/api/',
    '/api/tasks',
    '/api/ada/task',
    '/API/ada/tasks',
    '/api/ada/tasks/an-id/complete/',
    '/api/ada/tasks/an-id/complete/again',
    '/api/ada/tasks/an-id/forget',
    '/swagger/nothing.js',
    '/swagger/../../package.json',
    '/%ZZ',
    '/favicon.ico',
    '/.env',
  ]) {
    test(`is a 404 problem: ${path}`, async () => {
      await using server = serve();
      const { pathname } = new URL(path, server.origin);
      for (const method of ['GET', 'POST', 'DELETE']) {
        const trailing = path.endsWith('complete/');
        if (!trailing) expect(await server.call(method, path)).toEqual(notFound(pathname));
      }
    });
  }
});

describe('Percent-encoding that is not UTF-8', () => {
  const detail = 'must be a string of 1 to 255 characters, without control characters';
  for (const segment of ['%ZZ', '%', '%4', '%FF', 'ada%C3', '%ED%A0%80', '%C0%AF']) {
    test(`is a 400 in a user id: ${segment}`, async () => {
      await using server = serve();
      const path = `/api/${segment}/tasks`;
      const answer = await server.call('GET', path);
      expect(answer).toMatchObject({
        status: 400,
        body: {
          type: 'urn:problem-type:todo-api:invalid-input',
          instance: path,
          errors: [{ in: 'path', pointer: 'user_id', detail }],
        },
      });
      expect(await server.call('POST', path, { body: { title: 'Buy milk' } })).toMatchObject({ status: 400 });
    });

    test(`is a 400 in an id: ${segment}`, async () => {
      await using server = serve();
      const path = `${server.root}/${segment}`;
      expect(await server.call('GET', path)).toMatchObject({
        status: 400,
        body: { instance: path, errors: [{ in: 'path', pointer: 'id' }] },
      });
      expect(await server.call('DELETE', path)).toMatchObject({ status: 400 });
    });

    test(`is a 400 in a query: ${segment}`, async () => {
      await using server = serve();
      const { call, root } = server;
      expect(await call('GET', `${root}?completed=${segment}`)).toMatchObject({
        status: 400,
        body: { instance: root, errors: [{ in: 'query', pointer: 'completed' }] },
      });
      expect(await call('GET', `${root}?${segment}=true`)).toMatchObject({ status: 400 });
    });
  }

  test('is a 400 to a request without a socket as well', async () => {
    await using server = serve();
    for (const path of ['/api/%ZZ/tasks', `${server.root}/%FF`]) {
      const answer = await server.app.handle(new Request(`http://localhost${path}`));
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ instance: path });
    }
  });
});

describe('The host of a request', () => {
  for (const host of ['a', 'api', 'api:80', 'localhost', 'todo.example:8443', '[::1]:3000']) {
    test(`may be ${host}, and is in the url of a task`, async () => {
      await using server = serve();
      const { root, send } = server;
      const body = '{"title":"Buy milk"}';
      const answer = await send<Task>(
        `POST ${root} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      expect(answer.status).toBe(201);
      expect(answer.body.url).toStartWith(`http://${host.replace(/:80$/, '')}${root}/`);
    });
  }
});
