/** Kept answers on servers that are not as the migrations leave them: partitions, and a replica that is behind. */
import { describe, expect, test } from 'bun:test';
import { SQL } from 'bun';
import { drizzle } from 'drizzle-orm/bun-sql';
import { type Database, openDatabase } from '../../../src/db/database.ts';
import type { Drizzle } from '../../../src/db/driver.ts';
import { migrate } from '../../../src/db/migrate.ts';
import type { Task } from '../../../src/tasks/schema.ts';
import { createTestApp } from '../../support/app.ts';
import { atEnd } from '../../support/cleanup.ts';
import { taskNotFound } from '../../support/expected.ts';
import type { Answer } from '../../support/openapi.ts';
import { createDatabase } from '../../support/postgres.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const headers = { 'idempotency-key': 'k' };

/** One of the answers is the first, and the others repeat it. */
function expectOneAnswer(answers: Answer<Task>[], status: number): void {
  expect(answers.filter((answer) => !('idempotency-replayed' in answer.headers))).toHaveLength(1);
  const { body } = answers[0] as Answer<Task>;
  expect(answers.map((answer) => [answer.status, answer.body])).toEqual(answers.map(() => [status, body]));
}

const many = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 30 }, ask));

describe('Where the kept answers lie in partitions, whose constraints have names of their own,', async () => {
  const { database, client } = await open();
  await client.unsafe(`
    create table parted (like idempotency_keys including all) partition by hash (user_id);
    create table part_one partition of parted for values with (modulus 2, remainder 0);
    create table part_two partition of parted for values with (modulus 2, remainder 1);
    drop table idempotency_keys;
    alter table parted rename to idempotency_keys;
  `);

  test('repeats at once create one task, and one more when the answer has expired', async () => {
    const { call, clock, root, stored } = createTestApp(database);
    const create = () => call<Task>('POST', root, { body: { title: 'a' }, headers });
    expectOneAnswer(await many(create), 201);
    clock.now += DAY_MS + 1;
    expectOneAnswer(await many(create), 201);
    expect((await stored()).tasks).toHaveLength(2);
  });

  test('repeats at once of a change are one change, and so are those that find nothing to change', async () => {
    const { call, clock, create, stored } = createTestApp(database);
    const { url } = await create();
    const patch = () => call<Task>('PATCH', url, { body: { title: 'a' }, headers });
    expectOneAnswer(await many(patch), 200);
    clock.now += DAY_MS + 1;
    expectOneAnswer(await many(patch), 200);
    expect((await stored()).revision).toBe(2);
  });
});

describe('Behind a pooler that sends reads to a replica which is behind,', async () => {
  const primary = await open();
  const replica = await open();
  // As pgpool does: a query that locks no row goes to the replica.
  const isRead = (text: string) =>
    /^\s*(with|select)\b/i.test(text) && !/\b(insert|update|delete|for \w+)\b/i.test(text);
  const pooler = {
    unsafe: (text: string, parameters: unknown[]) =>
      (isRead(text) ? replica : primary).client.unsafe(text, parameters as string[]),
  };
  const database = { ...primary.database, db: drizzle({ client: pooler as unknown as SQL }) as unknown as Drizzle };

  test('a repeat gets the first answer', async () => {
    const { call, clock, root, user, stored } = createTestApp(database);
    const create = () => call<Task>('POST', root, { body: { title: 'a' }, headers });
    const first = await create();
    const { pathname } = new URL(first.body.url);
    expect(await call('GET', pathname)).toEqual(taskNotFound(pathname));
    const second = await create();
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect((await call('POST', root, { body: { title: 'b' }, headers })).status).toBe(422);
    clock.now += DAY_MS + 1;
    expect((await create()).headers).not.toHaveProperty('idempotency-replayed');
    expect((await primaryOf(user)).length).toBe(2);
    expect((await stored()).tasks).toEqual([]);
  });

  test('a repeat of a change gets the first answer', async () => {
    const { call, create, user } = createTestApp(database);
    const { url } = await create();
    const patch = () => call<Task>('PATCH', url, { body: { title: 'a' }, headers });
    const first = await patch();
    const second = await patch();
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(await primaryOf(user)).toMatchObject([{ title: 'a', revision: 2 }]);
  });

  const primaryOf = async (user: string) => [
    ...(await primary.client`select title, revision::int as revision from tasks where user_id = ${user}`),
  ];
});

async function open(): Promise<{ database: Database; client: SQL }> {
  const url = await createDatabase();
  const database = await openDatabase({ url, dataDir: '', poolSize: 10, timeoutMs: 10_000 });
  const client = new SQL(url, { max: 4 });
  atEnd(async () => {
    await database.close();
    await client.close();
  });
  await migrate(database.db);
  return { database, client };
}
