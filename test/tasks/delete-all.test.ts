import { expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { deletedAll, invalidInput } from '../support/expected.ts';

const LATER = '2026-11-21T09:31:00.000Z';

forEachDatabase('DELETE /api/{user_id}/tasks', (open, database) => {
  test('puts every task into the bin, each under a revision of its own, in the order of creation', async () => {
    const { call, clock, root, create, stored } = open();
    for (const title of ['a', 'b', 'c']) await create({ title });
    const { tasks: before } = await stored();
    clock.now = Date.parse(LATER);
    expect(await call('DELETE', root)).toEqual(deletedAll(3));
    expect(await stored()).toEqual({
      tasks: before.map((row, n) => ({ ...row, deleted_at: LATER, updated_at: LATER, revision: 4 + n })),
      revision: 6,
    });
    expect((await call('GET', root)).body).toEqual([]);
  });

  test('deletes only what the filter matches', async () => {
    const { call, root, create, stored } = open();
    const done = await create({ completed: true });
    const open_ = await create();
    expect(await call('DELETE', `${root}?completed=true`)).toEqual(deletedAll(1));
    expect((await call('GET', root)).body).toEqual([open_]);
    expect(await stored()).toMatchObject({ tasks: [{ id: done.id, revision: 3 }, { revision: 2 }], revision: 3 });
    expect(await call('DELETE', `${root}?completed=false`)).toEqual(deletedAll(1));
    expect((await call('GET', root)).body).toEqual([]);
  });

  test('leaves alone what is in the bin already', async () => {
    const { call, clock, root, create, stored } = open();
    const a = await create();
    await create();
    await call('DELETE', a.url);
    const { tasks: before } = await stored();
    clock.now = Date.parse(LATER);
    await call('DELETE', root);
    const { tasks, revision } = await stored();
    expect(tasks[0]).toEqual(before[0] as never);
    expect(tasks[1]).toMatchObject({ deleted_at: LATER, revision: 4 });
    expect(revision).toBe(4);
  });

  test('takes 20,000 tasks as well, also where PostgreSQL has no statistics of the table', async () => {
    const { call, clock, root, user, create, stored } = open();
    await create();
    const COUNT = 20_000;
    const now = new Date(clock.now).toISOString();
    // In time only if none of them is compared with every other.
    await database.db.execute(sql`
      with added as (
        insert into tasks (user_id, id, title, completed, priority, tags, "order", created_at, updated_at, revision)
        select ${user}, gen_random_uuid(), 'Task ' || n, false, 'low', '{}', 0, ${now}, ${now}, n
        from generate_series(2, ${COUNT}::int) as n
      )
      update user_revisions set revision = ${COUNT}::int where user_id = ${user}`);
    expect(await call('DELETE', root)).toEqual(deletedAll(COUNT));
    const { tasks, revision } = await stored();
    expect(revision).toBe(2 * COUNT);
    expect(tasks.map((task) => task.revision)).toEqual(tasks.map((_, n) => COUNT + 1 + n));
    expect(tasks).toHaveLength(COUNT);
    expect((await call('GET', root)).body).toEqual([]);
  });

  test('takes no revision when there is nothing to delete', async () => {
    const { call, root, create, stored } = open();
    expect(await call('DELETE', root)).toEqual(deletedAll(0));
    expect(await stored()).toEqual({ tasks: [], revision: undefined });
    await create();
    expect(await call('DELETE', `${root}?completed=true`)).toEqual(deletedAll(0));
    expect((await stored()).revision).toBe(1);
  });

  test('takes an empty body of type JSON, as the Todo-Backend client sends it', async () => {
    const { call, root, create } = open();
    await create();
    const answer = await call('DELETE', root, { raw: '', headers: { 'content-type': 'application/json' } });
    expect(answer).toEqual(deletedAll(1));
    expect((await call('GET', root)).body).toEqual([]);
  });

  test('deletes each task once when asked several times at once', async () => {
    const { call, root, create, stored } = open();
    for (let n = 0; n < 10; n += 1) await create();
    const answers = await Promise.all(Array.from({ length: 4 }, () => call('DELETE', root)));
    // One of them finds all, the others none.
    const totals = answers.map(({ headers }) => Number(headers['x-total-count'])).sort((a, b) => b - a);
    expect(totals).toEqual([10, 0, 0, 0]);
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    const { tasks } = await stored();
    expect(tasks.map((row) => row.revision)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });
});

onOneDatabase('DELETE /api/{user_id}/tasks', (open) => {
  for (const [query, pointer, detail] of [
    ['completed=maybe', 'completed', 'must be true or false, given once'],
    ['completed=true&completed=false', 'completed', 'must be true or false, given once'],
    ['complete=true', 'complete', 'unknown parameter'],
    ['limit=5', 'limit', 'unknown parameter'],
  ] as const) {
    test(`deletes nothing at a filter that it does not understand: ${query}`, async () => {
      const { refuse, root, create, stored } = open();
      await create();
      const before = await stored();
      const answer = await refuse('DELETE', `${root}?${query}`);
      expect(answer).toEqual(invalidInput(root, [{ in: 'query', pointer, detail }]));
      expect(await stored()).toEqual(before);
    });
  }
});
