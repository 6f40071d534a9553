import { expect, test } from 'bun:test';
import { databases, type TestDatabase } from '../support/databases.ts';
import { problem } from '../support/expected.ts';
import { serve } from '../support/server.ts';
import { until } from '../support/until.ts';

/** A database whose reads wait until the test lets them go. */
function slowDatabase() {
  const [database] = databases;
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const read: TestDatabase['read'] = async (statement) => {
    waiting += 1;
    await gate.promise;
    return database.read(statement);
  };
  return { slow: { ...database, read }, waiting: () => waiting, letGo: gate.resolve };
}

test('A request beyond the limit is refused at once, and those within it are answered', async () => {
  const { slow, waiting, letGo } = slowDatabase();
  await using server = serve({ maxInFlight: 2 }, slow);
  const { call, root } = server;
  const within = [call('GET', root), call('GET', root)];
  await until(() => waiting() === 2);
  const refused = await call('POST', root, { body: { title: 'Buy milk' } });
  expect(refused).toEqual(
    problem(
      root,
      { type: 'overloaded', title: 'Too many requests at once', status: 503, detail: 'Too many requests at once.' },
      { 'retry-after': '1' },
    ),
  );
  expect(await call('GET', '/health/live')).toMatchObject({ status: 200 });
  expect((await call<string>('GET', '/metrics')).body).toMatch(/^http_requests_shed_total 1$/m);
  letGo();
  for (const answer of within) expect(await answer).toMatchObject({ status: 200 });
  expect(await call('POST', root, { body: { title: 'Buy milk' } })).toMatchObject({ status: 201 });
});

test('Whatever came of them, requests that are over count no more', async () => {
  await using server = serve({ maxInFlight: 2, maxBodyBytes: 1024, allowedHosts: new Set(['127.0.0.1']) });
  const { call, root, origin } = server;
  const json = { 'content-type': 'application/json' };
  for (let n = 0; n < 3; n += 1) {
    for (const [status, method, path, options] of [
      [201, 'POST', root, { body: { title: 'Buy milk' } }],
      [413, 'POST', root, { raw: ' '.repeat(1025), headers: json }],
      [400, 'POST', root, { raw: '{', headers: json }],
      [415, 'POST', root, { raw: 'x' }],
      [405, 'PUT', root, {}],
      [200, 'HEAD', root, {}],
      [204, 'OPTIONS', root, {}],
      [404, 'GET', '/nothing', {}],
      [404, 'OPTIONS', '/nothing', {}],
      [400, 'GET', '/api/%ZZ/tasks', {}],
      [302, 'GET', '/', {}],
      [200, 'GET', '/swagger/swagger-ui.css', {}],
      [421, 'GET', root, { headers: { host: 'evil.example' } }],
      [204, 'DELETE', root, {}],
    ] as const) {
      expect((await call(method, path, options)).status, `${method} ${path}`).toBe(status);
    }
  }
  // Clients that go away before their answer.
  for (let n = 0; n < 5; n += 1) await fetch(origin + root, { signal: AbortSignal.timeout(1) }).catch(() => undefined);
  await until(async () => (await call('GET', root)).status === 200);
});
