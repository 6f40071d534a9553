/**
 * PostgreSQL plans a prepared statement for the tables that it finds, and keeps the plan until they are analyzed, which
 * autovacuum does once a minute. A plan made for small tables must serve large ones until then.
 */
import { expect, test } from 'bun:test';
import { SQL } from 'bun';
import { sql } from 'drizzle-orm';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createTestApp, type TestApp } from '../support/app.ts';
import { atEnd } from '../support/cleanup.ts';
import { startNeonRelay } from '../support/neon-relay.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';

const USERS = 100;
const ROWS = 20_000;

/** Row `n` is a task of user `n % USERS`; each user has some that are done, some that are due, and some in the bin. */
async function fill(client: SQL, first: number, last: number): Promise<void> {
  await client`
    insert into tasks (user_id, id, title, completed, completed_at, priority, tags, due_at, "order", created_at,
      updated_at, revision, deleted_at)
    select 'user-' || n % ${USERS}, (lpad(to_hex(n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
      'Task number ' || n, nth % 3 = 0, case when nth % 3 = 0 then at end, 'low', '{}',
      case when nth % 5 = 0 then at end, 0, at, at, n + 1, case when nth % 10 = 9 then at end
    from generate_series(${first}::int, ${last}::int) as n,
      lateral (select n / ${USERS} as nth, to_timestamp(n) as at) as derived`;
  await client`
    insert into user_revisions select user_id, max(revision) + 1000000 from tasks group by user_id
    on conflict (user_id) do update set revision = excluded.revision`;
}

function idOf(row: number): string {
  const hex = row.toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${hex}`;
}

/** A request about the task of a user whose id is given; it is not in the bin. */
type Act = (call: TestApp['call'], root: string, id: string) => Promise<Answer>;

const ACTS: Record<string, Act> = {
  read: (call, root, id) => call('GET', `${root}/${id}`),
  list: (call, root) => call('GET', root),
  'list of what is open': (call, root) => call('GET', `${root}?completed=false`),
  'list by due time': (call, root) => call('GET', `${root}?sort=due&due_before=2100-01-01`),
  'list of the bin': (call, root) => call('GET', `${root}?deleted=true`),
  'list that was known': (call, root) => call('GET', root, { headers: { 'if-none-match': '"1"' } }),
  create: (call, root) => call('POST', root, { body: { title: 'New' } }),
  'create under a key': (call, root) =>
    call('POST', root, { body: { title: 'New' }, headers: { 'idempotency-key': crypto.randomUUID() } }),
  patch: (call, root, id) => call('PATCH', `${root}/${id}`, { body: { title: crypto.randomUUID() } }),
  'patch of any revision': (call, root, id) =>
    call('PATCH', `${root}/${id}`, { body: { title: crypto.randomUUID() }, headers: { 'if-match': '*' } }),
  'patch that changes nothing': (call, root, id) => call('PATCH', `${root}/${id}`, { body: { priority: 'low' } }),
  toggle: (call, root, id) => call('PATCH', `${root}/${id}/complete`),
  'delete and restore': async (call, root, id) => {
    await call('DELETE', `${root}/${id}`);
    return call('POST', `${root}/${id}/restore`);
  },
  'delete by filter': (call, root) => call('DELETE', `${root}?due_before=1970-01-01`),
};

const relay = startNeonRelay(await createDatabase());
atEnd(relay.stop);

const AT_ONCE = 16;

/** More than requests may read of their user's tasks, in the table and in an index, and far less than there are. */
const FEW = 5 * (ROWS / USERS);

interface Case {
  driver: 'PostgreSQL' | 'Neon';
  /** What the tables are like when the statements are prepared. */
  tables: string;
  rows: number;
}

const CASES: readonly Case[] = [
  { driver: 'PostgreSQL', tables: 'empty', rows: 0 },
  { driver: 'PostgreSQL', tables: 'a page long, and analyzed', rows: 50 },
  // Connections through Neon's pooler take no settings; what holds there without them is what Neon can be sure of.
  { driver: 'Neon', tables: 'empty', rows: 0 },
];

for (const { driver, tables, rows } of CASES) {
  const server = await createDatabase();
  const client = new SQL(server, { max: 1 });
  atEnd(() => client.close());
  const url = driver === 'Neon' ? relay.urlOf(server) : server;
  const database = await openDatabase({ url, dataDir: '', poolSize: 1, timeoutMs: 60_000 });
  atEnd(database.close);
  await migrate(database.db);
  for (const table of ['tasks', 'user_revisions'])
    await client.unsafe(`alter table ${table} set (autovacuum_enabled = false)`);
  if (rows > 0) {
    await fill(client, 0, rows - 1);
    await client`analyze`;
  }
  const { call } = createTestApp(database, { newTaskId: () => Bun.randomUUIDv7() });
  /** Does it for users at once, each with a task of theirs from `row` on. */
  const actAtOnce = (act: Act, users: number, row: number) =>
    Promise.all(Array.from({ length: users }, (_, n) => act(call, `/api/user-${n}/tasks`, idOf(row + n))));

  // The sixth time PostgreSQL decides for a plan that it keeps.
  for (const act of Object.values(ACTS))
    for (const users of [1, AT_ONCE]) for (let time = 0; time < 8; time++) await actAtOnce(act, users, 0);
  await fill(client, 1000, 999 + ROWS);

  /** How many rows of tables and entries of indexes the server has read. */
  async function rowsRead(): Promise<number> {
    await database.db.execute(sql`select pg_stat_force_next_flush()`);
    await client`select pg_stat_force_next_flush()`;
    const [{ read }] = await client`
      select (select sum(seq_tup_read) from pg_stat_user_tables) + (select sum(idx_tup_read) from pg_stat_user_indexes)
        as read`;
    return Number(read);
  }

  test(`What reads all of a table shows: on ${driver}, when it was ${tables}`, async () => {
    const before = await rowsRead();
    await database.db.execute(sql`select count(*) from tasks`);
    expect((await rowsRead()) - before).toBeGreaterThanOrEqual(ROWS);
  });

  for (const [what, act] of Object.entries(ACTS))
    test(`What was prepared on ${driver} when the tables were ${tables}, reads no more of large ones than it must: ${what}`, async () => {
      for (const [users, row] of [
        [1, 1000],
        [AT_ONCE, 1000 + USERS],
      ] as const) {
        const before = await rowsRead();
        const answers = await actAtOnce(act, users, row);
        const read = (await rowsRead()) - before;
        for (const { status } of answers) expect(status).toBeLessThan(300);
        expect(read).toBeLessThan(FEW * users);
      }
    });
}
