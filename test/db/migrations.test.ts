import { describe, expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import { SQL } from 'bun';
import { Connection } from '../support/connection.ts';
import { startFaultyProxy } from '../support/faulty-proxy.ts';
import { createDatabase } from '../support/postgres.ts';
import { runToEnd, startService } from '../support/service.ts';

const SEPARATE = { MIGRATE_ON_START: 'false' };
const MIGRATIONS = (await readdir(`${import.meta.dir}/../../drizzle`)).filter((name) => name.endsWith('.sql')).length;

const OLDER = `The tables are older than this version: ${MIGRATIONS} to apply. Run the command \`migrate\`.\n`;
const NEWER = 'The tables are newer than this version: run the version that made them, or a later one.\n';

async function tablesOf(url: string): Promise<string[]> {
  const sql = new SQL(url, { max: 1 });
  const rows: { name: string }[] = await sql`select tablename as name from pg_tables where schemaname = 'public'`;
  await sql.close();
  return rows.map(({ name }) => name).toSorted();
}

test('With MIGRATE_ON_START=false a start on older tables says so, ends with 1 and changes nothing', async () => {
  const DATABASE_URL = await createDatabase();
  const { exitCode, stdout, stderr } = await runToEnd([], { DATABASE_URL, ...SEPARATE });
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 1, stdout: '', stderr: OLDER });
  expect(await tablesOf(DATABASE_URL)).toEqual([]);
});

test('`migrate` brings the tables up to date, ends with 0, and may be run again; then the service starts', async () => {
  const DATABASE_URL = await createDatabase();
  for (const _ of ['first', 'again']) {
    const { exitCode, stdout, stderr } = await runToEnd(['migrate'], { DATABASE_URL });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ level: 'info', msg: 'The tables are up to date.' });
  }
  expect(await tablesOf(DATABASE_URL)).toEqual(['idempotency_keys', 'tasks', 'user_revisions']);
  await using service = await startService({ DATABASE_URL, ...SEPARATE });
  const client = new Connection(service.origin);
  expect((await client.request('POST', '/api/ada/tasks', { body: { title: 'Buy milk' } })).status).toBe(201);
  client.close();
});

describe('On tables that are newer than the code', () => {
  test.each([
    ['a start', [], {}],
    ['a start with MIGRATE_ON_START=false', [], SEPARATE],
    ['migrate', ['migrate'], {}],
  ])('%s says so and ends with 1', async (_, serviceArguments, environment) => {
    const DATABASE_URL = await createDatabase();
    await runToEnd(['migrate'], { DATABASE_URL });
    const sql = new SQL(DATABASE_URL, { max: 1 });
    await sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('of the future', 9999999999999)`;
    await sql.close();
    const { exitCode, stdout, stderr } = await runToEnd(serviceArguments, { DATABASE_URL, ...environment });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 1, stdout: '', stderr: NEWER });
  });
});

describe('When the database cannot be reached, a start ends with 1 and two lines that tell no password', () => {
  test.each(['refuse', 'swallow'] as const)('%s', async (fault) => {
    const proxy = await startFaultyProxy(await createDatabase());
    await proxy[fault]();
    const DATABASE_URL = `postgres://ada:s3cret@${proxy.host}/todo`;
    const { exitCode, stdout, stderr } = await runToEnd([], { DATABASE_URL, DATABASE_TIMEOUT_MS: '1000' });
    await proxy.stop();
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).not.toContain('s3cret');
    expect(stderr).toMatch(/^The database cannot be used \(PostgreSQL at .*\nCheck host and port .*\n$/);
  });
});

test('A start waits for another process that migrates, longer than a statement may take', async () => {
  const DATABASE_URL = await createDatabase();
  const sql = new SQL(DATABASE_URL, { max: 1 });
  const proxy = await startFaultyProxy(DATABASE_URL);
  // The first start holds its lock for as long as this table is in its way.
  await sql`create table slow (id int)`;
  await sql`
    create function hold() returns event_trigger language plpgsql as
    $$ begin perform * from slow; end $$`;
  await sql`create event trigger hold on ddl_command_start when tag in ('CREATE TABLE') execute function hold()`;
  await sql`begin`;
  await sql`lock table slow in access exclusive mode`;
  const migrating = Array.from({ length: 2 }, () =>
    runToEnd(['migrate'], { DATABASE_URL, DATABASE_TIMEOUT_MS: '1000' }),
  );
  await Bun.sleep(4000);
  await sql`rollback`;
  for (const { exitCode, stderr } of await Promise.all(migrating)) expect([exitCode, stderr]).toEqual([0, '']);
  expect(await tablesOf(DATABASE_URL)).toEqual(['idempotency_keys', 'slow', 'tasks', 'user_revisions']);
  await sql.close();
  await proxy.stop();
});
