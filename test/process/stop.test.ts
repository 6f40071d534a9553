import { expect, test } from 'bun:test';
import { SQL } from 'bun';
import { Connection, Refused } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { DRIVERS, type Driver, openFaultyDatabase } from '../support/faulty-database.ts';
import { expectSound, startLoad } from '../support/load.ts';
import { createDatabase } from '../support/postgres.ts';
import { type Service, spawnService } from '../support/service.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';
/** A request that waits for a lock must not end by itself while the service stops. */
const PATIENT = { DATABASE_TIMEOUT_MS: '60000' };

/** A database with a table that is locked until `unlock`, and a create that waits for it. */
async function holdRequest(environment: Record<string, string> = {}, driver: Driver = 'PostgreSQL') {
  const database = await openFaultyDatabase(driver);
  const service = await database.serve({ ...PATIENT, ...environment });
  await database.sql`begin`;
  await database.sql`lock table tasks in access exclusive mode`;
  const reply = new Connection(service.origin).request('POST', PATH, { body: { title: 'In flight' } });
  // The tests that end it hard are not interested in it.
  reply.catch(() => {});
  const metrics = new Connection(service.origin);
  await until(async () =>
    /^database_statements_in_flight 1$/m.test((await metrics.request<string>('GET', '/metrics')).body),
  );
  metrics.close();
  return {
    database,
    service,
    reply,
    unlock: () => database.sql`rollback`,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function refuses({ origin }: Service): Promise<boolean> {
  const client = new Connection(origin);
  const refused = await client.connect().then(
    () => false,
    (error) => error instanceof Refused,
  );
  client.close();
  return refused;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'On %s it is not ready, refuses connections, answers what is in flight and ends with 0',
  async (signal) => {
    await using held = await holdRequest();
    const { service, reply, unlock } = held;
    // A connection that nobody uses must not keep it.
    const idle = new Connection(service.origin);
    await idle.request('GET', '/health/live');
    const watcher = new Connection(service.origin);
    await watcher.connect();

    service.kill(signal);
    await until(async () => (await service.log()).some(({ msg }) => msg === 'stopping'));
    await until(() => refuses(service));
    expect(service.isRunning()).toBe(true);
    await unlock();

    const { status, headers } = await reply;
    expect([status, headers.etag]).toEqual([201, '"1"']);
    expect(await service.exited).toBe(0);
    expect((await held.database.stored()).titles).toEqual(['In flight']);
    expect((await service.log()).at(-1)).toMatchObject({ msg: 'stopped', outcome: 'done' });
  },
);

test('While it stops, readiness says so and every answer asks the client to connect elsewhere', async () => {
  await using held = await holdRequest();
  const client = new Connection(held.service.origin);
  expect((await client.request('GET', '/health/live')).headers.connection).toBeUndefined();
  held.service.kill('SIGTERM');
  let ready = await client.request('GET', '/health/live');
  while (ready.headers.connection !== 'close') ready = await client.request('GET', '/health/live');
  const last = await new Connection(held.service.origin).request('GET', '/health/ready');
  expectRefusal('stopping', last);
  expect(last.headers.connection).toBe('close');
});

test('For SHUTDOWN_DRAIN_MS it goes on answering whoever connects', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  await using service = await database.serve({ SHUTDOWN_DRAIN_MS: '2000' });
  const signalled = performance.now();
  service.kill('SIGTERM');
  await until(async () => (await service.log()).some(({ msg }) => msg === 'stopping'));
  let answered = 0;
  for (; ; answered += 1) {
    const client = new Connection(service.origin);
    const answer = await client.request('POST', PATH, { body: { title: 'Late' } }).catch((error: Error) => error);
    client.close();
    if (answer instanceof Error) break;
    expect([answer.status, answer.headers.connection]).toEqual([201, 'close']);
  }
  expect(performance.now() - signalled).toBeGreaterThan(1900);
  expect(await service.exited).toBe(0);
  expect((await database.stored()).titles).toHaveLength(answered);
});

test('A second signal ends it with 1, unless it comes within a second, when it is the first one passed on', async () => {
  await using held = await holdRequest({ SHUTDOWN_GRACE_SECONDS: '3600' });
  held.service.kill('SIGTERM');
  await until(() => refuses(held.service));
  expect(held.service.isRunning()).toBe(true);
  await until(() => {
    held.service.kill('SIGTERM');
    return !held.service.isRunning();
  });
  expect(await held.service.exited).toBe(1);
});

test.each(DRIVERS)(
  'SHUTDOWN_GRACE_SECONDS after it refuses connections it ends with 1 whatever is in flight, on %s',
  async (driver) => {
    await using held = await holdRequest({ SHUTDOWN_GRACE_SECONDS: '2' }, driver);
    const startedAt = performance.now();
    held.service.kill('SIGTERM');
    expect(await held.service.exited).toBe(1);
    // Closing the database may take a second more.
    expect(performance.now() - startedAt).toBeLessThan(8000);
    expect((await held.service.log()).at(-1)).toMatchObject({ msg: 'stopped', outcome: 'late' });
  },
);

test.each(['SIGTERM', 'SIGINT'] as const)('On %s during its start it ends at once with 0', async (signal) => {
  const DATABASE_URL = await createDatabase();
  const sql = new SQL(DATABASE_URL, { max: 2 });
  const held = await sql.reserve();
  // The tables cannot be made as long as this transaction has not ended.
  await held`begin`;
  await held`create schema drizzle`;
  const child = spawnService({ ...PATIENT, DATABASE_URL }, { stdout: 'ignore' });
  const waiting = () => sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await until(async () => (await waiting()).length > 0);
  child.kill(signal);
  await child.exited;
  expect({ exitCode: child.exitCode, signalCode: child.signalCode }).toEqual({ exitCode: 0, signalCode: null });
  await held`rollback`;
  held.release();
  await sql.close();
});

test('Two processes restarted in turn under load fail no request, and lose or double no write', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  const services: [Service, Service] = [await database.serve(), await database.serve()];
  const load = startLoad({ origins: services.map(({ origin }) => origin) });
  try {
    for (let round = 0; round < 4; round += 1) {
      const index = (round % 2) as 0 | 1;
      await load.succeeds();
      services[index].kill(round < 2 ? 'SIGTERM' : 'SIGINT');
      expect(await services[index].exited).toBe(0);
      await load.succeeds();
      await services[index][Symbol.asyncDispose]();
      services[index] = await database.serve({ PORT: new URL(services[index].origin).port });
    }
    await load.succeeds();
    const accounts = await load.stop();
    expect(accounts.flatMap(({ failedWrites, failedReads }) => [...failedWrites, ...failedReads])).toEqual([]);
    expectSound(accounts, await database.stored());
  } finally {
    for (const service of services) await service[Symbol.asyncDispose]();
  }
});
