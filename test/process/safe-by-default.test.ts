import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { networkInterfaces } from 'node:os';
import { Connection, Refused } from '../support/connection.ts';
import { type FaultyDatabase, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';
import type { Service } from '../support/service.ts';

let database: FaultyDatabase;
beforeAll(async () => {
  database = await openFaultyDatabase('PostgreSQL');
});
afterAll(() => database[Symbol.asyncDispose]());

function ask({ origin }: Service, host: string, path = '/api/ada/tasks'): Promise<Answer> {
  const client = new Connection(origin);
  return client.request('GET', path, { headers: { host } }).finally(() => client.close());
}

test('Unless told, it can be reached from this machine only', async () => {
  await using service = await database.serve();
  expect(new URL(service.origin).hostname).toBe('127.0.0.1');
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outside = addresses.filter(({ family, internal }) => family === 'IPv4' && !internal);
  for (const { address } of outside) {
    const client = new Connection(`http://${address}:${new URL(service.origin).port}`);
    await expect(client.connect()).rejects.toBeInstanceOf(Refused);
  }
});

describe('Which Host it answers to', () => {
  const LOOPBACK = ['localhost', 'LOCALHOST:3000', '127.0.0.1', '[::1]:3000'];
  // What a page uses whose name has been given the address of this machine, and tricks to hide it.
  const FOREIGN = ['evil.example', 'evil.example:3000', 'localhost.evil.example'];
  const INVALID = ['evil.example/health', 'localhost@evil.example', 'evil.example@localhost', ''];

  test('unless told, on loopback: the names of this machine', async () => {
    await using service = await database.serve();
    for (const host of LOOPBACK) expect((await ask(service, host)).status).toBe(200);
    for (const host of FOREIGN) {
      const { status, headers, body } = await ask(service, host);
      expect([status, headers['content-type']]).toEqual([421, 'application/problem+json']);
      expect(body).toEqual({
        type: 'urn:problem-type:todo-api:misdirected',
        title: 'The request is for another host',
        status: 421,
        detail: 'This service does not answer to that host name; see ALLOWED_HOSTS.',
        instance: expect.stringMatching(/\/tasks$/),
        request_id: headers['x-request-id'],
      });
    }
    for (const host of INVALID) {
      const { status, headers, body } = await ask(service, host);
      expect([status, headers['content-type']]).toEqual([400, 'application/problem+json']);
      expect(body).toMatchObject({ type: 'urn:problem-type:todo-api:ambiguous-target', status: 400 });
    }
  });

  test('those of ALLOWED_HOSTS and of PUBLIC_URL, and no others', async () => {
    await using service = await database.serve({
      ALLOWED_HOSTS: 'api.example,10.0.0.5',
      PUBLIC_URL: 'https://todo.example/base',
    });
    for (const host of ['api.example', 'API.example:8080', '10.0.0.5', 'todo.example'])
      expect((await ask(service, host)).status).toBe(200);
    for (const host of [...FOREIGN, 'localhost', 'example']) expect((await ask(service, host)).status).toBe(421);
    for (const host of INVALID) expect((await ask(service, host)).status).toBe(400);
  });

  test('any, when told or when bound to more than loopback', async () => {
    await using told = await database.serve({ ALLOWED_HOSTS: '*' });
    expect((await ask(told, 'anything.example')).status).toBe(200);
    await using bound = await database.serve({ HOST: '0.0.0.0' });
    expect(
      (await ask({ ...bound, origin: told.origin.replace(/\d+$/, new URL(bound.origin).port) }, 'anything.example'))
        .status,
    ).toBe(200);
  });

  test('any, for health and metrics: an orchestrator asks by address', async () => {
    await using service = await database.serve({ ALLOWED_HOSTS: 'api.example' });
    for (const path of ['/health/live', '/health/ready', '/metrics'])
      expect((await ask(service, '10.1.2.3:3000', path)).status).toBe(200);
  });
});

test('No answer says what it is made of, and none is taken for another type', async () => {
  await using service = await database.serve();
  for (const path of [
    '/api/ada/tasks',
    '/nothing',
    '/swagger',
    '/swagger/json',
    '/metrics',
    '/health/live',
    '/api/%/tasks',
  ]) {
    const { headers } = await ask(service, 'localhost', path);
    expect(headers['x-content-type-options']).toBe('nosniff');
    for (const name of ['x-powered-by', 'server']) expect(headers).not.toHaveProperty([name]);
  }
});

test('The docs page may run no script but its own, and stand in no frame', async () => {
  await using service = await database.serve();
  const { status, headers, body } = await ask(service, 'localhost', '/swagger');
  expect(status).toBe(200);
  const policy = new Map(
    (headers['content-security-policy'] ?? '').split(/ *; */).map((directive) => {
      const [name = '', ...sources] = directive.split(' ');
      return [name, sources.join(' ')];
    }),
  );
  expect(policy.get('default-src')).toBe("'none'");
  expect(policy.get('script-src')).toBe("'self'");
  expect(policy.get('frame-ancestors')).toBe("'none'");
  expect(policy.get('base-uri')).toBe("'none'");
  expect(body).not.toMatch(/<script>|https?:\/\//);
});
