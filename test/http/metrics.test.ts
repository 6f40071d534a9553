import { afterEach, expect, mock, spyOn, test } from 'bun:test';
import { version } from '../../package.json';
import { createMetrics } from '../../src/http/metrics.ts';
import { createTestApp } from '../support/app.ts';
import { databases } from '../support/databases.ts';
import { serve } from '../support/server.ts';
import { until } from '../support/until.ts';

/** The upper bounds of the buckets of durations. */
const BOUNDS = ['0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10'];

afterEach(() => mock.restore());

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

test('A request lasts from its arrival to its answer, in the log as in /metrics, whatever its answer', async () => {
  const { call, log } = createTestApp(databases[0]);
  let now = 1000;
  spyOn(performance, 'now').mockImplementation(() => {
    now += 2.5;
    return now;
  });
  await call('GET', '/health/live');
  await call('GET', '/nothing');
  expect(log.map(({ duration_ms }) => duration_ms)).toEqual([2.5, 2.5]);
  const { body } = await call<string>('GET', '/metrics');
  expect(body.match(/^http_request_duration_seconds_sum.*$/gm)).toEqual([
    'http_request_duration_seconds_sum{method="GET",route="/health/live",status="200"} 0.0025',
    'http_request_duration_seconds_sum{method="GET",route="none",status="404"} 0.0025',
  ]);
});

test('The metrics say what they are and what they count, each time anew', async () => {
  const statements = { inFlight: 4, observe: (_: number) => {} };
  const admission = { count: () => 3, shed: () => 2 };
  const { registry, observeRequest } = createMetrics(admission as never, statements, 7);
  observeRequest(7, { method: 'GET', route: '/', status: 302 });
  statements.observe(20_000);
  spyOn(process.memoryUsage, 'rss').mockReturnValue(100_000_000);
  const request = 'method="GET",route="/",status="302"';
  const expected = [
    '# HELP http_request_duration_seconds Time from the arrival of a request to its answer.',
    '# TYPE http_request_duration_seconds histogram',
    ...BOUNDS.map((le) => `http_request_duration_seconds_bucket{le="${le}",${request}} ${Number(le) >= 0.007 ? 1 : 0}`),
    `http_request_duration_seconds_bucket{le="+Inf",${request}} 1`,
    `http_request_duration_seconds_sum{${request}} 0.007`,
    `http_request_duration_seconds_count{${request}} 1`,
    '',
    '# HELP http_requests_in_flight Requests being worked on.',
    '# TYPE http_requests_in_flight gauge',
    'http_requests_in_flight 3',
    '',
    '# HELP http_requests_shed_total Requests refused with 503 because too many were in flight.',
    '# TYPE http_requests_shed_total counter',
    'http_requests_shed_total 2',
    '',
    '# HELP database_statement_duration_seconds Time from a statement to its answer, with the wait for a connection.',
    '# TYPE database_statement_duration_seconds histogram',
    ...BOUNDS.map((le) => `database_statement_duration_seconds_bucket{le="${le}"} 0`),
    'database_statement_duration_seconds_bucket{le="+Inf"} 1',
    'database_statement_duration_seconds_sum 20',
    'database_statement_duration_seconds_count 1',
    '',
    '# HELP database_statements_in_flight Statements not yet answered.',
    '# TYPE database_statements_in_flight gauge',
    'database_statements_in_flight 4',
    '',
    '# HELP database_pool_size The most connections to the database.',
    '# TYPE database_pool_size gauge',
    'database_pool_size 7',
    '',
    '# HELP process_resident_memory_bytes Resident memory of this process.',
    '# TYPE process_resident_memory_bytes gauge',
    'process_resident_memory_bytes 100000000',
    '',
    '# HELP todo_api_build_info Always 1.',
    '# TYPE todo_api_build_info gauge',
    `todo_api_build_info{version="${version}",bun="${Bun.version}"} 1`,
    '',
  ];
  for (let n = 0; n < 2; n += 1) expect((await registry.metrics()).split('\n')).toEqual(expected);
});
