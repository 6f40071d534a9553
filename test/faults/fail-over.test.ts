import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { SQL } from 'bun';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { expectRefusal } from '../support/expected.ts';
import { DRIVERS, openFaultyDatabase } from '../support/faulty-database.ts';
import { startRelay } from '../support/relay.ts';
import { type RestartableServer, startRestartableServer } from '../support/restartable-postgres.ts';
import { startService } from '../support/service.ts';
import { type Standby, startStandby } from '../support/standby.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';

const create = (client: Connection, title: string) => client.request<Task>('POST', PATH, { body: { title } });
const titlesOf = ({ body }: { body: Task[] }) => body.map(({ title }) => title);

describe.each(DRIVERS)('When another server takes over behind the same address (%s)', (driver) => {
  let primary: RestartableServer;
  let standby: Standby;
  beforeAll(async () => {
    primary = await startRestartableServer();
    standby = await startStandby(primary);
  });
  afterAll(async () => {
    await standby.stop();
    await primary.stop();
  });

  test('connections that live on at the old one, which is read-only now, cost no write', async () => {
    await using database = await openFaultyDatabase(driver, primary.url);
    await using service = await database.serve();
    const client = new Connection(service.origin);
    expect((await create(client, 'Before')).status).toBe(201);

    await database.sql`alter system set default_transaction_read_only = on`;
    await database.sql`select pg_reload_conf()`;
    await until(async () => (await create(client, 'Refused')).status === 503);
    expectRefusal('read-only', await client.request('GET', '/health/ready'));
    expect(titlesOf(await client.request<Task[]>('GET', PATH))).toContain('Before');
    await standby.catchUp();
    await standby.promote();
    const relay = driver === 'Neon' ? startRelay(`${standby.url}/faults`) : undefined;
    database.proxy.moveTo(relay?.url ?? standby.url);
    // The service looks for a better server once a second.
    await Bun.sleep(1000);
    for (let n = 0; n < 5; n += 1) expect((await create(client, `After ${n}`)).status).toBe(201);
    expect((await client.request('GET', '/health/ready')).status).toBe(200);
    const taken = new SQL(`${standby.url}/faults`, { max: 1 });
    const rows: { title: string }[] = await taken`select title from tasks where title like 'After%' order by title`;
    await taken.close();
    expect(rows.map(({ title }) => title)).toEqual(['After 0', 'After 1', 'After 2', 'After 3', 'After 4']);
    await relay?.stop();
  });
});

describe('A service on a standby', () => {
  let primary: RestartableServer;
  let standby: Standby;
  let DATABASE_URL: string;
  beforeAll(async () => {
    primary = await startRestartableServer();
    standby = await startStandby(primary);
    await using database = await openFaultyDatabase('PostgreSQL', primary.url);
    await using service = await database.serve();
    expect((await create(new Connection(service.origin), 'Before')).status).toBe(201);
    await standby.catchUp();
    DATABASE_URL = `${standby.url}/faults`;
  });
  afterAll(async () => {
    await standby.stop();
    await primary.stop();
  });

  test('serves reads, refuses writes and is ready only with READ_ONLY, and takes writes once the standby is promoted', async () => {
    await using reader = await startService({ DATABASE_URL, READ_ONLY: 'true' });
    await using writer = await startService({ DATABASE_URL });
    const [reading, writing] = [new Connection(reader.origin), new Connection(writer.origin)];
    for (const client of [reading, writing]) {
      expect(titlesOf(await client.request<Task[]>('GET', PATH))).toEqual(['Before']);
      expectRefusal('read-only', await create(client, 'Refused'));
    }
    expect((await reading.request('GET', '/health/ready')).status).toBe(200);
    expectRefusal('read-only', await writing.request('GET', '/health/ready'));

    await standby.promote();
    await until(async () => (await writing.request('GET', '/health/ready')).status === 200);
    expect((await create(writing, 'After')).status).toBe(201);
    expectRefusal('read-only', await create(reading, 'Refused'));
    expect(titlesOf(await reading.request<Task[]>('GET', PATH))).toEqual(['After', 'Before']);
  });
});
