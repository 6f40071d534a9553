import { describe, expect, test } from 'bun:test';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { BOUND_MS, DRIVERS, openFaultyDatabase, TIMEOUT_MS } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';

/** Another user for each request: those of one user wait for each other. */
const pathOf = (user: number) => `/api/user-${user}/tasks`;
const PATH = pathOf(0);

/** Reads and writes at once, each on a connection of its own. */
async function request(origin: string, count: number): Promise<{ replies: Answer[]; slowestMs: number }> {
  const startedAt = performance.now();
  const replies = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const client = new Connection(origin);
      const reply = await (index % 2 === 0
        ? client.request('GET', pathOf(index))
        : client.request('POST', pathOf(index), { body: { title: `Task ${index}` } }));
      client.close();
      return reply;
    }),
  );
  return { replies, slowestMs: performance.now() - startedAt };
}

const statusesOf = ({ replies }: { replies: Answer[] }) => new Set(replies.map(({ status }) => status));

describe.each(DRIVERS)('When the database takes everything and answers nothing (%s)', (driver) => {
  test('every request ends in time with 503, and the first one after it is served', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    expect(statusesOf(await request(service.origin, 20))).toEqual(new Set([200, 201]));

    database.proxy.swallow();
    // The first find dead connections in the pool, the second make new ones.
    for (const _ of ['established', 'new']) {
      const { replies, slowestMs } = await request(service.origin, 20);
      for (const reply of replies) expectRefusal('unavailable', reply);
      expect(slowestMs).toBeLessThan(BOUND_MS);
    }
    const client = new Connection(service.origin);
    expect((await client.request('GET', '/health/live')).status).toBe(200);
    expectRefusal('unavailable', await client.request('GET', '/health/ready'));

    await database.proxy.pass();
    expect((await client.request('GET', '/health/ready')).status).toBe(200);
    expect(statusesOf(await request(service.origin, 20))).toEqual(new Set([200, 201]));
    expect(service.isRunning()).toBe(true);
  });

  test('connections that have died without a word cost no read and no write under a key, and of others only the first', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    await request(service.origin, 20);
    // Younger connections are not suspected.
    await Bun.sleep(TIMEOUT_MS);
    // Those that are established are dead, as after a firewall forgot them; new ones pass.
    database.proxy.swallow(database.proxy.connections());
    const own = () => new Connection(service.origin);
    const first = own();
    await first.connect();
    const losing = first.request('POST', PATH, { body: { title: 'Lost' } });
    // The service has read that request once it answers this one; the others may take all connections.
    await own().request('GET', '/health/live');
    const [lost, kept, ...reads] = await Promise.all([
      losing,
      own().request('POST', pathOf(1), { body: { title: 'Kept' }, headers: { 'idempotency-key': 'kept' } }),
      ...Array.from({ length: 20 }, (_, user) => own().request('GET', pathOf(user))),
    ]);
    expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200));
    expect(kept).toMatchObject({ status: 201, body: { title: 'Kept' } });
    // It is lost with its connection, unless the pool was not full and opened another.
    const isLost = lost.status !== 201;
    if (isLost) expectRefusal('unavailable', lost);
    const client = own();
    for (let n = 0; n < 20; n += 1) expect((await client.request('GET', PATH)).status).toBe(200);
    expect((await client.request('POST', PATH, { body: { title: 'Next' } })).status).toBe(201);
    const { titles } = await database.stored();
    const created = isLost ? ['Kept', 'Next'] : ['Kept', 'Lost', 'Next'];
    expect(titles.filter((title) => !title.startsWith('Task')).toSorted()).toEqual(created);
  });

  test('a few dead connections among many cost no read either', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    await request(service.origin, 20);
    await Bun.sleep(TIMEOUT_MS);
    database.proxy.swallow(3);
    for (let round = 0; round < 5; round += 1) {
      const reads = await Promise.all(
        Array.from({ length: 20 }, (_, user) => new Connection(service.origin).request('GET', pathOf(user))),
      );
      expect(reads.map(({ status }) => status)).toEqual(reads.map(() => 200));
    }
  });

  test('a read that waits longer than that for a lock is answered when the lock is gone', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    await request(service.origin, 20);
    await Bun.sleep(TIMEOUT_MS);
    await database.sql`begin`;
    await database.sql`lock table tasks in access exclusive mode`;
    const reads = Array.from({ length: 20 }, (_, user) => new Connection(service.origin).request('GET', pathOf(user)));
    // Long enough for each of the first to have been sent twice.
    await Bun.sleep(TIMEOUT_MS / 4);
    await database.sql`rollback`;
    expect((await Promise.all(reads)).map(({ status }) => status)).toEqual(reads.map(() => 200));
  });
});
