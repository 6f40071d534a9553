import { expect, test } from 'bun:test';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { BOUND_MS, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';
/** Users of their own: what one of them may have at once is less. */
const pathOf = (n: number) => `/api/user-${n}/tasks`;

/** The value of a metric without labels. */
async function metric({ origin }: Service, name: string): Promise<number> {
  const client = new Connection(origin);
  const { status, body } = await client.request<string>('GET', '/metrics');
  client.close();
  expect(status).toBe(200);
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1]);
}

test('With MAX_IN_FLIGHT requests in flight the next is refused at once, and those are answered', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  await using service = await database.serve({ MAX_IN_FLIGHT: '4', DATABASE_TIMEOUT_MS: '60000' });
  await database.sql`begin`;
  await database.sql`lock table tasks in access exclusive mode`;
  const held = Promise.all(
    Array.from({ length: 4 }, (_, n) => new Connection(service.origin).request('GET', pathOf(n))),
  );
  held.catch(() => {});
  await until(async () => (await metric(service, 'database_statements_in_flight')) === 4);

  const client = new Connection(service.origin);
  expectRefusal('overloaded', await client.request('GET', PATH));
  expectRefusal('overloaded', await client.request('POST', PATH, { body: { title: 'Refused' } }));
  expect((await client.request('GET', '/health/live')).status).toBe(200);
  expect(await metric(service, 'http_requests_shed_total')).toBe(2);
  expect(await metric(service, 'http_requests_in_flight')).toBeGreaterThanOrEqual(4);

  await database.sql`rollback`;
  for (const reply of await held) expect([reply.status, reply.body]).toEqual([200, []]);
  expect((await client.request('POST', PATH, { body: { title: 'Accepted' } })).status).toBe(201);
  expect((await database.stored()).titles).toEqual(['Accepted']);
});

test('Of more writes at once than MAX_IN_FLIGHT as many are accepted, and the rest is refused at once', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  await using service = await database.serve({ MAX_IN_FLIGHT: '4', DATABASE_TIMEOUT_MS: '60000' });
  await database.sql`begin`;
  await database.sql`lock table tasks in access exclusive mode`;
  const body = '{"title":"Buy milk"}';
  const headOf = (n: number) =>
    `POST ${pathOf(n)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const clients = Array.from({ length: 20 }, () => new Connection(service.origin));
  // All bodies come after all heads: none is refused before it is read.
  for (const [n, client] of clients.entries()) (await client.connect()).write(headOf(n));
  await metric(service, 'http_requests_in_flight');
  const replies: Answer[] = [];
  const writing = Promise.all(
    clients.map(async (client) => {
      replies.push(await client.send(body));
      client.close();
    }),
  );
  // Cut off, should the test fail before.
  writing.catch(() => {});
  await until(() => replies.length === 16);
  for (const reply of replies) expectRefusal('overloaded', reply);
  await database.sql`rollback`;
  await writing;
  expect(replies.slice(16).map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect((await database.stored()).titles).toHaveLength(4);
});

test('Under ten times the load that it takes, the accepted are answered, the others refused soon, and memory stays', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  await using service = await database.serve({ MAX_IN_FLIGHT: '16' });
  const counts = { accepted: 0, refused: 0 };
  let slowestMs = 0;

  async function flood(path: string, requests: number): Promise<void> {
    const client = new Connection(service.origin);
    for (let n = 0; n < requests; n += 1) {
      const startedAt = performance.now();
      const reply = await (n % 4 === 0
        ? client.request('POST', path, { body: { title: `Task ${n}` } })
        : client.request('GET', path));
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      if (reply.status === 503) expectRefusal('overloaded', reply);
      else expect(reply.status).toBe(n % 4 === 0 ? 201 : 200);
      counts[reply.status === 503 ? 'refused' : 'accepted'] += 1;
    }
    client.close();
  }
  const floodAll = () => Promise.all(Array.from({ length: 160 }, (_, n) => flood(pathOf(n), 40)));

  await floodAll();
  const before = await metric(service, 'process_resident_memory_bytes');
  const flooding = floodAll();
  let isOver = false;
  flooding.finally(() => {
    isOver = true;
  });
  const watcher = new Connection(service.origin);
  while (!isOver) {
    expect((await watcher.request('GET', '/health/live')).status).toBe(200);
    await metric(service, 'http_requests_shed_total');
  }
  await flooding;

  expect(counts.accepted).toBeGreaterThan(0);
  expect(counts.refused).toBeGreaterThan(0);
  expect(slowestMs).toBeLessThan(BOUND_MS);
  expect(await metric(service, 'http_requests_shed_total')).toBe(counts.refused);
  // The request for the metrics may be counted itself.
  await until(async () => (await metric(service, 'http_requests_in_flight')) <= 1);
  // 6,400 requests more; a leak of 10 kB for each would be twice as much.
  expect((await metric(service, 'process_resident_memory_bytes')) - before).toBeLessThan(32 * 1024 * 1024);
  expect((await watcher.request('GET', PATH)).status).toBe(200);
});
