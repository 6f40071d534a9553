/** Each connection keeps every prepared statement for ever, 100 KB of the server's memory or more. */
import { afterAll, expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { createTestApp } from '../support/app.ts';
import { createDatabase } from '../support/postgres.ts';

const FIELDS = {
  title: 'Buy bread',
  description: 'Rye.',
  completed: true,
  priority: 'high',
  tags: ['errand'],
  due_date: '2026-12-01',
  start_date: '2026-11-24',
  order: 5,
  project: 'Home',
  metadata: { colour: 'red' },
};

const database = await openDatabase({ url: await createDatabase(), dataDir: '', poolSize: 1, timeoutMs: 10_000 });
afterAll(database.close);
await migrate(database.db);

test('patches of every set of fields share one prepared statement, and keyed ones another', async () => {
  const { call, create } = createTestApp(database);
  const { url } = await create();
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  // A third of them, in which each field comes with and without each other.
  for (let set = 1; set < 2 ** names.length; set += 3) {
    const patch = Object.fromEntries(names.filter((_, n) => set & (1 << n)).map((name) => [name, FIELDS[name]]));
    const conditions: Record<string, string>[] = [{}, { 'if-match': '*' }, { 'idempotency-key': `${set}` }];
    for (const headers of conditions) {
      const answer = await call('PATCH', url, { body: { ...patch, description: `${set}` }, headers });
      expect(answer.status).toBe(200);
    }
  }
  const prepared = await database.db.execute(
    sql`select count(*)::int as count from pg_prepared_statements where statement like '%update "tasks"%'`,
  );
  expect([...(prepared as unknown as Iterable<unknown>)]).toEqual([{ count: 2 }]);
});
