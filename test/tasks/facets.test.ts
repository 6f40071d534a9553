import { expect, test } from 'bun:test';
import fc from 'fast-check';
import type { Facets } from '../../src/tasks/schema.ts';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { invalidInput, listTag, notModified, success } from '../support/expected.ts';
import type { Answer } from '../support/openapi.ts';
import { anyRows, type Row, rowOf, store } from '../support/task-rows.ts';

const NOTHING = { open: 0, completed: 0, deleted: 0, projects: [], tags: [] };

/** The same counts, by plain code. */
function facetsOf(rows: readonly Row[]): Facets {
  const live = rows.filter(({ deleted_at }) => deleted_at === null);
  const count = (some: readonly Row[]) => ({
    open: some.filter(({ completed }) => !completed).length,
    completed: some.filter(({ completed }) => completed).length,
  });
  const by = (namesOf: (row: Row) => readonly string[]) =>
    [...new Set(live.flatMap(namesOf))]
      .sort(new Intl.Collator('en').compare)
      .map((name) => ({ name, ...count(live.filter((row) => namesOf(row).includes(name))) }));
  return {
    ...count(live),
    deleted: rows.length - live.length,
    projects: by(({ project }) => (project === null ? [] : [project])),
    tags: by(({ tags }) => tags),
  };
}

forEachDatabase('GET /api/{user_id}/tasks/facets', (open, database) => {
  test('counts nothing for a user that the service has never heard of', async () => {
    const { call, root } = open();
    expect(await call('GET', `${root}/facets`)).toEqual(success(200, NOTHING, { etag: listTag(0) }));
  });

  test('counts tasks by state, project and tag, sorted by name as people read', async () => {
    const { call, root, create } = open();
    await create({ project: 'home', tags: ['b', 'a'] });
    await create({ project: 'Garden', tags: ['a'], completed: true });
    await create({ project: 'home', completed: true });
    await create({ project: 'Äpfel', tags: ['"', '{a,b}'] });
    await create({ tags: ['null'] });
    const { url } = await create({ project: 'gone', tags: ['gone'] });
    await call('DELETE', url);
    const facets = {
      open: 3,
      completed: 2,
      deleted: 1,
      projects: [
        { name: 'Äpfel', open: 1, completed: 0 },
        { name: 'Garden', open: 0, completed: 1 },
        { name: 'home', open: 1, completed: 1 },
      ],
      tags: [
        { name: '"', open: 1, completed: 0 },
        { name: '{a,b}', open: 1, completed: 0 },
        { name: 'a', open: 1, completed: 1 },
        { name: 'b', open: 1, completed: 0 },
        { name: 'null', open: 1, completed: 0 },
      ],
    };
    expect(await call('GET', `${root}/facets`)).toEqual(success(200, facets, { etag: listTag(7) }));
  });

  test('counts any tasks as plain code does', async () => {
    const { call, user: prefix } = open();
    let users = 0;
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        const user = `${prefix}-${++users}`;
        await store(database, user, rows);
        expect((await call('GET', `/api/${user}/tasks/facets`)).body).toEqual(facetsOf(rows));
      }),
      { numRuns: 30 },
    );
  });

  test('is a 304 until any task of the user changes', async () => {
    const { call, root, create } = open();
    const facets = (etag: string): Promise<Answer> =>
      call('GET', `${root}/facets`, { headers: { 'if-none-match': etag } });
    const { url } = await create();
    const { etag = '' } = (await call('GET', `${root}/facets`)).headers;
    expect(await facets(etag)).toEqual(notModified(etag));
    expect(await facets('*')).toEqual(notModified(etag));
    // The tag of a list says nothing of the counts.
    const list = await call('GET', root);
    expect((await facets(list.headers.etag ?? '')).status).toBe(200);
    await call('PATCH', `${url}/complete`);
    const changed = await facets(etag);
    expect(changed).toEqual(success(200, { ...NOTHING, completed: 1 }, { etag: listTag(2) }));
  });
});

onOneDatabase('GET /api/{user_id}/tasks/facets', (open, database) => {
  test('takes no parameter', async () => {
    const { refuse, root, user } = open();
    await store(database, user, [rowOf(0)]);
    expect(await refuse('GET', `${root}/facets?tag=a`)).toEqual(
      invalidInput(`${root}/facets`, [{ in: 'query', pointer: 'tag', detail: 'unknown parameter' }]),
    );
  });

  for (const [method, path, body] of [
    ['POST', '', { title: 'Buy milk' }],
    ['GET', '/:id', undefined],
    ['PUT', '/:id', { title: 'Buy milk' }],
    ['PATCH', '/:id', { title: 'Buy milk' }],
    ['DELETE', '/:id', undefined],
    ['PATCH', '/:id/complete', undefined],
    ['POST', '/:id/restore', undefined],
  ] as const) {
    test(`as every route without parameters refuses one, and changes nothing: ${method} ${path}`, async () => {
      const { refuse, root, create, stored } = open();
      const { id } = await create();
      const before = await stored();
      const instance = root + path.replace(':id', id);
      expect(await refuse(method, `${instance}?delete=true&%FF`, { body })).toEqual(
        invalidInput(
          instance,
          ['delete', '%'].map((pointer) => ({ in: 'query', pointer, detail: 'unknown parameter' })),
        ),
      );
      expect(await stored()).toEqual(before);
    });
  }
});
