import { expect, test } from 'bun:test';
import { serve } from '../support/server.ts';
import { until } from '../support/until.ts';

test('/metrics counts requests by method, pattern of the route and status, and names no user', async () => {
  await using server = serve();
  const { call, root, user, create, log } = server;
  const { id, url } = await create();
  await call('GET', url);
  await call('GET', url);
  await call('GET', `${root}/an-id`);
  await call('GET', `/nothing/${user}`);
  await until(() => log.length === 5);
  const { headers, body } = await call<string>('GET', '/metrics');
  expect(headers['content-type']).toStartWith('text/plain; version=0.0.4');
  const counts = [...body.matchAll(/^http_request_duration_seconds_count\{(.*)\} (\d+)$/gm)].map(([, ...pair]) => pair);
  expect(Object.fromEntries(counts)).toEqual({
    'method="POST",route="/api/:user_id/tasks/",status="201"': '1',
    'method="GET",route="/api/:user_id/tasks/:id",status="200"': '2',
    'method="GET",route="/api/:user_id/tasks/:id",status="404"': '1',
    'method="GET",route="none",status="404"': '1',
  });
  // A path would be a label value of its own for each user and task, and the memory of Prometheus full of them.
  for (const hidden of [user, id]) expect(body).not.toContain(hidden);
});

test('/metrics has counted every request that was answered before, however many', async () => {
  await using server = serve();
  const counted = async () => {
    const { body } = await server.call<string>('GET', '/metrics');
    const [, count] = /^http_request_duration_seconds_count\{.*route="\/health\/live".*\} (\d+)$/m.exec(body) ?? [];
    return Number(count);
  };
  let total = 0;
  for (const more of [1, 1, 248, 1]) {
    await Promise.all(Array.from({ length: more }, () => server.call('GET', '/health/live')));
    total += more;
    expect(await counted()).toBe(total);
  }
});

test('/metrics counts the statements of the database and tells the size of the process', async () => {
  await using server = serve({ poolSize: 7 });
  await server.create();
  const { body } = await server.call<string>('GET', '/metrics');
  const value = (name: string) => Number(new RegExp(`^${name} ([\\d.e+]+)$`, 'm').exec(body)?.[1]);
  expect(value('database_statement_duration_seconds_count')).toBe(1);
  expect(value('database_statements_in_flight')).toBe(0);
  expect(value('database_pool_size')).toBe(7);
  expect(value('http_requests_shed_total')).toBe(0);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
});
