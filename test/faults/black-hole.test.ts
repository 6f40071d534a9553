import { describe, expect, test } from 'bun:test';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { BOUND_MS, DRIVERS, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';

const PATH = '/api/ada/tasks';

/** Reads and writes at once, each on a connection of its own. */
async function request(origin: string, count: number): Promise<{ replies: Answer[]; slowestMs: number }> {
  const startedAt = performance.now();
  const replies = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const client = new Connection(origin);
      const reply = await (index % 2 === 0
        ? client.request('GET', PATH)
        : client.request('POST', PATH, { body: { title: `Task ${index}` } }));
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

  test('a pool of dead connections costs no more than the requests that find it out', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    await request(service.origin, 20);
    // What is established is dead, as after a firewall forgot it; new connections pass.
    database.proxy.swallow(database.proxy.connections());
    const client = new Connection(service.origin);
    expectRefusal('unavailable', await client.request('POST', PATH, { body: { title: 'Lost' } }));
    for (let n = 0; n < 20; n += 1) expect((await client.request('GET', PATH)).status).toBe(200);
    expect((await client.request('POST', PATH, { body: { title: 'Kept' } })).status).toBe(201);
    expect((await database.stored()).titles).not.toContain('Lost');
  });
});
