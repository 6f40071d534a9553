import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { ORIGIN } from '../../support/app.ts';
import { forEachDatabase } from '../../support/databases.ts';
import { linksOf, walk, withParameter } from '../../support/links.ts';
import { anyFilter, anyRows, rowOf, SORTS, select, store, toQuery, toTask } from '../../support/task-rows.ts';

/** Enough to have ties on both sides of a page's end, and few enough for three databases. */
const RUNS = 60;

forEachDatabase('Paging through GET /api/{user_id}/tasks', (open, database) => {
  test('pages of whatever sizes put one after the other are the whole list, each task whole and in its place', async () => {
    const { call, user: prefix } = open();
    let users = 0;
    await fc.assert(
      fc.asyncProperty(
        anyRows,
        anyFilter,
        fc.constantFrom(...SORTS),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        async (rows, filter, sort, limits) => {
          const user = `${prefix}-${++users}`;
          await store(database, user, rows);
          const pages = await walk(call, `/api/${user}/tasks${toQuery(filter, sort)}`, limits);
          expect(pages.flat()).toEqual(select(rows, filter, sort).map((row) => toTask(row, user)));
        },
      ),
      { numRuns: RUNS },
    );
  });

  for (const sort of SORTS) {
    test(`sort=${sort} goes on in the middle of tasks that it cannot tell apart`, async () => {
      const { call, root, user } = open();
      const dated = Array.from({ length: 8 }, (_, n) => rowOf(n, { due_date: '2026-12-01' }));
      const undated = Array.from({ length: 7 }, (_, n) => rowOf(100 + n));
      const rows = [...dated, ...undated];
      await store(database, user, rows);
      const pages = await walk(call, `${root}?sort=${sort}`, [4]);
      expect(pages.map(({ length }) => length)).toEqual([4, 4, 4, 3]);
      expect(pages.flat().map(({ id }) => id)).toEqual(select(rows, {}, sort).map(({ id }) => id));
    });
  }

  test('a full page that is the last one names no next', async () => {
    const { call, root, user } = open();
    await store(
      database,
      user,
      Array.from({ length: 6 }, (_, n) => rowOf(n)),
    );
    const first = await call<unknown[]>('GET', `${root}?limit=3`);
    const { next = '' } = linksOf(first.headers);
    const second = await call<unknown[]>('GET', next);
    expect([first.body.length, second.body.length]).toEqual([3, 3]);
    expect(linksOf(second.headers)).toEqual({ first: `${ORIGIN}${root}?limit=3` });
  });

  test('links are absolute and keep every parameter; first has no cursor', async () => {
    const { call, root, user } = open();
    const tags = ['a&b=c', 'é', '"<>"'];
    const title = '+100% of "it", a;b? #1\\2 🦊';
    await store(
      database,
      user,
      Array.from({ length: 5 }, (_, n) => rowOf(n, { title, tags, due_date: '2026-12-01' })),
    );
    const filter = { tag: tags, q: title, due_after: '2026-11-30T23:59:59.999+00:00', completed: 'false' } as const;
    const query = toQuery(filter, '-title');
    const { headers } = await call('GET', `${root}${query}&limit=2`);
    const { first = '', next = '' } = linksOf(headers);
    expect(headers.link).toBe(`<${next}>; rel="next", <${first}>; rel="first"`);
    const sent = [...new URLSearchParams(query), ['limit', '2']];
    expect([...new URL(first).searchParams]).toEqual(sent as [string, string][]);
    expect([...new URL(next).searchParams]).toEqual([...sent, ['cursor', expect.any(String)]] as [string, string][]);
    const pages = await walk(call, next, [2]);
    expect(pages.map(({ length }) => length)).toEqual([2, 1]);
    expect(linksOf((await call('GET', next)).headers).first).toBe(first);
  });

  test('links name the public address of the service where there is one', async () => {
    const { call, root, user } = open({ publicUrl: 'https://todo.example/v1' });
    await store(database, user, [rowOf(0), rowOf(1)]);
    const { first = '', next = '' } = linksOf((await call('GET', `${root}?limit=1`)).headers);
    expect(first).toBe(`https://todo.example/v1${root}?limit=1`);
    expect(next).toStartWith(`${first}&cursor=`);
    const { body } = await call<{ id: string }[]>('GET', next.replace('https://todo.example/v1', ORIGIN));
    expect(body.map(({ id }) => id)).toEqual([rowOf(0).id]);
  });

  test('a page that was deleted whole does not end the walk', async () => {
    const { call, root, user } = open();
    const rows = Array.from({ length: 9 }, (_, n) => rowOf(n));
    await store(database, user, rows);
    const { next = '' } = linksOf((await call('GET', `${root}?sort=created_at&limit=3`)).headers);
    for (const { id } of rows.slice(0, 6)) await call('DELETE', `${root}/${id}`);
    const pages = await walk(call, next, [3]);
    expect(pages.flat().map(({ id }) => id)).toEqual(rows.slice(6).map(({ id }) => id));
  });

  test('the sort and the filters of a walk that names the defaults are those of one that names none', async () => {
    const { call, root, user } = open();
    await store(database, user, [rowOf(0), rowOf(1)]);
    const { next = '' } = linksOf((await call('GET', `${root}?limit=1`)).headers);
    const spelledOut = withParameter(withParameter(next, 'sort', '-created_at'), 'deleted', 'false');
    const { body } = await call<{ id: string }[]>('GET', spelledOut);
    expect(body.map(({ id }) => id)).toEqual([rowOf(0).id]);
  });
});
