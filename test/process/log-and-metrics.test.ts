import { afterAll, beforeAll, expect, test } from 'bun:test';
import { version } from '../../package.json';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { type FaultyDatabase, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

let database: FaultyDatabase;
let service: Service;
let client: Connection;
beforeAll(async () => {
  database = await openFaultyDatabase('PostgreSQL');
  service = await database.serve({ DATABASE_POOL_SIZE: '7' });
  client = new Connection(service.origin);
});
afterAll(async () => {
  client.close();
  await service[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

async function scrape(): Promise<{ type: string | undefined; samples: Sample[] }> {
  const { status, headers, body } = await client.request<string>('GET', '/metrics');
  expect(status).toBe(200);
  const samples = [...body.matchAll(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text])),
    value: Number(value),
  }));
  return { type: headers['content-type'], samples };
}

/** The lines that a request with this id has left in the log. */
async function linesOf(requestId: string, count: number): Promise<Record<string, unknown>[]> {
  const lines = async () => (await service.log()).filter(({ request_id }) => request_id === requestId);
  await until(async () => (await lines()).length >= count);
  return lines();
}

test('/metrics tells in the format of Prometheus of requests, refusals, statements, memory and the build', async () => {
  await client.request('POST', '/api/ada/tasks', { body: { title: 'Buy milk' } });
  const { type, samples } = await scrape();
  expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect([...new Set(samples.map(({ name }) => name))].toSorted()).toEqual([
    'database_pool_size',
    'database_statement_duration_seconds_bucket',
    'database_statement_duration_seconds_count',
    'database_statement_duration_seconds_sum',
    'database_statements_in_flight',
    'http_request_duration_seconds_bucket',
    'http_request_duration_seconds_count',
    'http_request_duration_seconds_sum',
    'http_requests_in_flight',
    'http_requests_shed_total',
    'process_resident_memory_bytes',
    'todo_api_build_info',
  ]);
  const find = (wanted: string) => samples.find(({ name }) => name === wanted);
  expect(find('database_pool_size')?.value).toBe(7);
  expect(find('todo_api_build_info')).toMatchObject({ labels: { version, bun: Bun.version }, value: 1 });
  expect(find('database_statement_duration_seconds_count')?.value).toBeGreaterThan(0);
});

test('Each request counts once, under the pattern of its route, its method and its status', async () => {
  const path = '/api/grace/tasks';
  const created = await client.request<Task>('POST', path, { body: { title: 'Buy milk' } });
  const { id } = created.body;
  for (let n = 0; n < 3; n += 1) await client.request('GET', `${path}/${id}`);
  await client.request('GET', `${path}/nothing`);
  const { samples } = await scrape();
  const counts = samples
    .filter(
      ({ name, labels }) =>
        name === 'http_request_duration_seconds_count' && labels.route === '/api/:user_id/tasks/:id',
    )
    .map(({ labels, value }) => [labels.method, labels.status, value]);
  expect(counts).toEqual([
    ['GET', '200', 3],
    ['GET', '404', 1],
  ]);
});

test('No request can make a new value of a label', async () => {
  const series = async () =>
    new Set(
      (await scrape()).samples
        .filter(({ name }) => name === 'http_request_duration_seconds_count')
        .map(({ labels }) => `${labels.method} ${labels.route} ${labels.status}`),
    );
  const sendStrange = async (n: number) => {
    await client.request('GET', `/nothing-${n}`);
    await client.request('GET', `/api/user-${n}/tasks?q=${n}`);
    await client.request('GET', `/api/user-${n}/tasks/${n}`);
    await client.request('GET', `/api/user-${n}/nothing/${n}`);
    await client.request('PROPFIND', `/api/user-${n}/tasks`);
    await client.request('SEARCH', `/nothing-${n}`);
    await client.request('OPTIONS', `/nothing-${n}`);
    await client.request('GET', '/health/live', { headers: { host: `host-${n}` } });
  };
  await sendStrange(0);
  const before = await series();
  for (let n = 1; n <= 20; n += 1) await sendStrange(n);
  expect(await series()).toEqual(before);
  expect(JSON.stringify([...before])).not.toMatch(/user-|nothing|host-/);
});

test('The line of a request has its id, the trace id of traceparent and its route, and nothing of the user', async () => {
  const headers = { traceparent: TRACEPARENT, 'x-request-id': 'watched-1' };
  await client.request('POST', '/api/ada/tasks', { body: { title: 'Told nobody' }, headers });
  expect(await linesOf('watched-1', 1)).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      request_id: 'watched-1',
      trace_id: TRACE_ID,
      method: 'POST',
      route: '/api/:user_id/tasks/',
      status: 201,
      duration_ms: expect.any(Number),
      msg: 'request',
    },
  ]);
});

test.each([
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `00-${TRACE_ID.toUpperCase()}-b7ad6b7169203331-01`,
  `ff-${TRACE_ID}-b7ad6b7169203331-01`,
  'nonsense',
])('A traceparent that is not valid (%s) is passed over', async (traceparent) => {
  const requestId = crypto.randomUUID();
  const { status } = await client.request('GET', '/health/live', {
    headers: { traceparent, 'x-request-id': requestId },
  });
  expect(status).toBe(200);
  const [line] = await linesOf(requestId, 1);
  expect(line).not.toHaveProperty('trace_id');
});

test('Every line of a request that failed has its id and trace id; the cause is in the log and not in the answer', async () => {
  await database.proxy.refuse();
  const headers = { traceparent: TRACEPARENT, 'x-request-id': 'watched-2' };
  const reply = await client.request('GET', '/api/ada/tasks', { headers });
  await database.proxy.pass();
  expectRefusal('unavailable', reply);
  const lines = await linesOf('watched-2', 2);
  expect(lines.map(({ msg, level }) => [msg, level])).toEqual([
    ['The database cannot be reached.', 'error'],
    ['request', 'info'],
  ]);
  for (const line of lines) expect(line.trace_id).toBe(TRACE_ID);
  expect(lines[0]?.error).toMatchObject({ message: expect.any(String), stack: expect.any(String) });
});
