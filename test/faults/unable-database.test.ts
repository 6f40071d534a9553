import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { BOUND_MS, DRIVERS, type FaultyDatabase, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';
import { type RestartableServer, startRestartableServer } from '../support/restartable-postgres.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';
const POOL_SIZE = 3;

const create = (client: Connection, title: string, description?: string, path = PATH): Promise<Answer> =>
  client.request('POST', path, { body: { title, description } });

describe.each(DRIVERS)('On %s', (driver) => {
  test('locks that hold every connection hold no request longer than the time-out', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve({ DATABASE_POOL_SIZE: String(POOL_SIZE) });
    const client = new Connection(service.origin);
    expect((await create(client, 'Before')).status).toBe(201);

    await database.sql`begin`;
    await database.sql`lock table tasks in access exclusive mode`;
    const startedAt = performance.now();
    const held = Array.from({ length: 4 * POOL_SIZE }, async (_, index) => {
      const own = new Connection(service.origin);
      // Those of one user would wait for each other.
      const path = `/api/user-${index}/tasks`;
      const reply = await (index % 2 === 0 ? own.request('GET', path) : create(own, `Held ${index}`, undefined, path));
      own.close();
      return reply;
    });
    expect((await client.request('GET', '/health/live')).status).toBe(200);
    expect((await client.request('GET', '/metrics')).status).toBe(200);
    for (const reply of await Promise.all(held)) expectRefusal('unavailable', reply);
    expect(performance.now() - startedAt).toBeLessThan(BOUND_MS);
    // What nobody waits for any more is given up by the server as well, while the lock still stands.
    await until(async () => (await statementsOf(database)) === 0);
    await database.sql`rollback`;

    expect((await create(client, 'After')).status).toBe(201);
    const { titles } = await database.stored();
    expect(titles).toEqual(expect.arrayContaining(['Before', 'After']));
    expect(titles.toSorted()).toEqual([...new Set(titles)].toSorted());
  });

  test('a statement that runs too long is cancelled on the server and leaves nothing behind', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    const client = new Connection(service.origin);
    expect((await create(client, 'Before')).status).toBe(201);
    await database.sql`
      create function sleep() returns trigger language plpgsql as
      $$ begin perform pg_sleep(600); return new; end $$`;
    await database.sql`create trigger sleep after insert on tasks for each row execute function sleep()`;
    const startedAt = performance.now();
    expectRefusal('unavailable', await create(client, 'Too long'));
    expect(performance.now() - startedAt).toBeLessThan(BOUND_MS);
    await until(async () => (await statementsOf(database)) === 0);
    await database.sql`drop trigger sleep on tasks`;
    expect((await create(client, 'After')).status).toBe(201);
    expect(await database.stored()).toEqual({
      titles: expect.arrayContaining(['Before', 'After']),
      revisions: new Map([['ada', 2]]),
    });
  });

  test('a read-only database serves reads, refuses writes and is not ready; once it takes writes, they succeed on new connections', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    const client = new Connection(service.origin);
    expect((await create(client, 'Before')).status).toBe(201);
    const before = await client.request('GET', PATH);

    const [{ name }] = await database.sql`select current_database() as name`;
    await database.sql.unsafe(`alter database ${name} set default_transaction_read_only = on`);
    await terminateAll(database);
    // The first may be lost with the connection that it was sent on.
    await create(client, 'Lost');
    for (let n = 0; n < 5; n += 1) expectRefusal('read-only', await create(client, `Refused ${n}`));
    const after = await client.request('GET', PATH);
    expect([after.status, after.headers.etag, after.body]).toEqual([200, before.headers.etag, before.body]);
    expectRefusal('read-only', await client.request('GET', '/health/ready'));

    // The connections live on, and those stay read-only, as after a fail-over behind one address.
    await database.sql.unsafe(`alter database ${name} reset default_transaction_read_only`);
    await until(async () => (await create(client, 'After')).status === 201);
    expect((await client.request('GET', '/health/ready')).status).toBe(200);
    expect((await database.stored()).titles.toSorted()).toEqual(['After', 'Before']);
  });

  test('a connection that has become read-only under the service costs no write, and reads go on', async () => {
    await using database = await openFaultyDatabase(driver);
    await using service = await database.serve();
    const client = new Connection(service.origin);
    const [{ name }] = await database.sql`select current_database() as name`;
    await database.sql.unsafe(`alter database ${name} set default_transaction_read_only = on`);
    await terminateAll(database);
    // Reads make the connections, all of which are read-only.
    const paths = Array.from({ length: 20 }, (_, user) => `/api/user-${user}/tasks`);
    await Promise.all(paths.map((path) => new Connection(service.origin).request('GET', path)));
    await database.sql.unsafe(`alter database ${name} reset default_transaction_read_only`);
    // Younger ones are left alone for so long.
    await Bun.sleep(1000);
    const replies = await Promise.all(
      paths.map((path, n) =>
        n % 2 === 0
          ? create(new Connection(service.origin), `Task ${n}`, undefined, path)
          : new Connection(service.origin).request('GET', path),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(paths.map((_, n) => (n % 2 === 0 ? 201 : 200)));
    for (let n = 0; n < 20; n += 1) expect((await create(client, 'More')).status).toBe(201);
    expect((await client.request('GET', '/health/ready')).status).toBe(200);
  });
});

describe('When the disk is full', () => {
  let server: RestartableServer;
  beforeAll(async () => {
    server = await startRestartableServer();
  });
  afterAll(() => server.stop());

  // Too long for a row and not to be compressed, PostgreSQL puts it into a file of its own, which is made "full".
  const LONG = randomBytes(7000).toString('base64');

  test.each(DRIVERS)(
    'what does not fit is refused with 503, all else goes on, and nothing is damaged (%s)',
    async (driver) => {
      await using database = await openFaultyDatabase(driver, server.url);
      await using service = await database.serve();
      const client = new Connection(service.origin);
      expect((await create(client, 'Before')).status).toBe(201);
      const file = join(server.dataDirectory, await fileOfLongTexts(database));

      await server.halt('fast');
      await rename(file, `${file}.kept`);
      // Every write to this device fails as on a full disk: ENOSPC.
      await symlink('/dev/full', file);
      await server.resume();
      await until(async () => (await client.request('GET', '/health/ready')).status === 200);
      expectRefusal('unavailable', await create(client, 'Too large', LONG));
      await until(async () => (await create(client, 'Small')).status === 201);
      expectRefusal('unavailable', await create(client, 'Too large', LONG));
      const { body } = await client.request<Task[]>('GET', PATH);
      expect(body.map(({ title }) => title)).toEqual(['Small', 'Before']);

      await server.halt('fast');
      await unlink(file);
      await rename(`${file}.kept`, file);
      await server.resume();
      await until(async () => (await client.request('GET', '/health/ready')).status === 200);
      await until(async () => (await create(client, 'Large', LONG)).status === 201);
      const [newest] = (await client.request<Task[]>('GET', PATH)).body;
      expect(newest).toMatchObject({ title: 'Large', description: LONG });
      expect(service.isRunning()).toBe(true);
      // The log is written with some delay.
      const isFull = ({ error }: Record<string, unknown>) =>
        (error as { sqlState?: string } | undefined)?.sqlState === '53100';
      await until(async () => (await service.log()).some(isFull));
    },
  );
});

/** A session that is just starting has read its settings, but is not in the list yet. */
async function terminateAll({ terminateSessions }: FaultyDatabase): Promise<void> {
  await until(async () => (await terminateSessions()) === 0);
}

/** How many statements of the service the server is at. */
async function statementsOf({ sql }: FaultyDatabase): Promise<number> {
  // Within a transaction the server would show the same picture again.
  await sql`select pg_stat_clear_snapshot()`;
  const [{ count }] = await sql`
    select count(*)::int from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state = 'active'`;
  return count;
}

/** Relative to the data directory. */
async function fileOfLongTexts({ sql }: FaultyDatabase): Promise<string> {
  const [{ path }] =
    await sql`select pg_relation_filepath(reltoastrelid) as path from pg_class where relname = 'tasks'`;
  return path;
}
