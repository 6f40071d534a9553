import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { encodeCursor } from '../../../src/tasks/query.ts';
import type { Sort } from '../../../src/tasks/schema.ts';
import type { TestApp } from '../../support/app.ts';
import { forEachDatabase, onOneDatabase, type TestDatabase } from '../../support/databases.ts';
import { invalidInput } from '../../support/expected.ts';
import { linksOf, withParameter } from '../../support/links.ts';
import { rowOf, SORTS, store } from '../../support/task-rows.ts';

const DETAIL = 'must come from the Link of a list with the same sort and filters';

/** The cursor of a second page, and the address that it belongs to. */
function cursorOf(next = ''): string {
  return new URL(next).searchParams.get('cursor') ?? '';
}

const { id } = rowOf(0);
const time = '2026-12-01T00:00:00.000Z';

const refused = (root: string) => invalidInput(root, [{ in: 'query', pointer: 'cursor', detail: DETAIL }]);

async function withTwoPages<App extends TestApp>(app: App, database: TestDatabase, query = '') {
  const due_at = '2026-12-01T00:00:00.000Z';
  await store(database, app.user, [rowOf(0, { due_at, tags: ['a'] }), rowOf(1, { due_at, tags: ['a'] }), rowOf(2)]);
  const { headers } = await app.call('GET', `${app.root}?limit=1${query}`);
  return { ...app, cursor: cursorOf(linksOf(headers).next) };
}

forEachDatabase('The cursor of a list', (open, database) => {
  test('is of letters that need no encoding', async () => {
    expect((await withTwoPages(open(), database)).cursor).toMatch(/^[\w-]+$/);
  });

  test('is good for another page size', async () => {
    const { call, root, cursor } = await withTwoPages(open(), database);
    expect((await call<unknown[]>('GET', `${root}?limit=2&cursor=${cursor}`)).body).toHaveLength(2);
    expect((await call<unknown[]>('GET', `${root}?cursor=${cursor}`)).body).toHaveLength(2);
  });

  test('made up with a place that could be is taken, so the ones above are refused for what is in them', async () => {
    const { call, root, user } = open();
    await store(database, user, [rowOf(0), rowOf(1)]);
    const keys = { created_at: time, updated_at: time, due: null, title: 'A', priority: 'low', order: -1 };
    for (const sort of SORTS) {
      const key = keys[sort.replace('-', '') as keyof typeof keys];
      const cursor = encodeCursor({ key, id }, sort, bindingOf(user));
      expect(await call('GET', `${root}?sort=${sort}&cursor=${cursor}`)).toMatchObject({ status: 200 });
    }
  });
});

onOneDatabase('The cursor of a list', (open, database) => {
  for (const query of ['sort=created_at', 'sort=-updated_at', 'sort=title']) {
    test(`is of one sort: not of ${query}`, async () => {
      const { refuse, root, cursor } = await withTwoPages(open(), database);
      expect(await refuse('GET', `${root}?${query}&cursor=${cursor}`)).toEqual(refused(root));
    });
  }

  for (const query of [
    'completed=true',
    'completed=false',
    'priority=low',
    'tag=a',
    'q=milk',
    'due_before=2030-01-01',
    'due_after=2020-01-01',
    'deleted=true',
  ]) {
    test(`of a list without filters is not one of ${query}`, async () => {
      const { refuse, root, cursor } = await withTwoPages(open(), database);
      expect(await refuse('GET', `${root}?${query}&cursor=${cursor}`)).toEqual(refused(root));
    });
  }

  test('of a filter is not good without it, with another value of it, or with one more filter', async () => {
    const { call, refuse, root, cursor } = await withTwoPages(open(), database, '&tag=a');
    expect(await call('GET', `${root}?tag=a&cursor=${cursor}`)).toMatchObject({ status: 200, body: [{ tags: ['a'] }] });
    expect(await refuse('GET', `${root}?cursor=${cursor}`)).toEqual(refused(root));
    expect(await refuse('GET', `${root}?tag=b&cursor=${cursor}`)).toEqual(refused(root));
    expect(await refuse('GET', `${root}?tag=a&tag=b&cursor=${cursor}`)).toEqual(refused(root));
    expect(await refuse('GET', `${root}?tag=a&completed=false&cursor=${cursor}`)).toEqual(refused(root));
  });

  test('is of one user', async () => {
    const { cursor } = await withTwoPages(open(), database);
    const other = await withTwoPages(open(), database);
    expect(await other.refuse('GET', `${other.root}?cursor=${cursor}`)).toEqual(refused(other.root));
  });

  test('is refused when any letter of it is another, when it is cut, and when it is longer', async () => {
    const { refuse, root, cursor } = await withTwoPages(open(), database);
    await fc.assert(
      fc.asyncProperty(fc.nat(cursor.length - 1), fc.constantFrom(...'Aa0_-b9Z'), async (position, letter) => {
        fc.pre(cursor[position] !== letter);
        const damaged = cursor.slice(0, position) + letter + cursor.slice(position + 1);
        expect(await refuse('GET', `${root}?cursor=${damaged}`)).toEqual(refused(root));
      }),
      { numRuns: 40 },
    );
    for (const length of [1, 22, 29, 30, cursor.length - 1])
      expect(await refuse('GET', `${root}?cursor=${cursor.slice(0, length)}`)).toEqual(refused(root));
    for (const suffix of ['A', '=', '==', '.', '%20', '%0A'])
      expect(await refuse('GET', `${root}?cursor=${cursor}${suffix}`)).toEqual(refused(root));
  });

  test('is refused in another encoding of the same bytes', async () => {
    const { refuse, root, cursor } = await withTwoPages(open(), database);
    const bytes = Buffer.from(cursor, 'base64url');
    for (const other of [bytes.toString('base64'), bytes.toString('hex'), `${cursor.slice(0, 8)}%0A${cursor.slice(8)}`])
      if (other !== cursor)
        expect(await refuse('GET', `${root}?cursor=${other.replaceAll('+', '%2B')}`)).toEqual(refused(root));
  });

  test('is refused when it is any text whatever', async () => {
    const { refuse, root } = open();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), async (text) => {
        fc.pre(text.isWellFormed() && !text.includes('\0'));
        expect(await refuse('GET', withParameter(root, 'cursor', text))).toEqual(refused(root));
      }),
      { numRuns: 40 },
    );
  });

  for (const [what, query] of [
    ['empty', 'cursor='],
    ['given twice', 'cursor=a&cursor=a'],
    ['not UTF-8', 'cursor=%FF'],
    ['U+0000', 'cursor=%00'],
    ['longer than any', `cursor=${'A'.repeat(4097)}`],
  ]) {
    test(`is refused when it is ${what}`, async () => {
      const { refuse, root } = open();
      const detail = 'must be a string of 1 to 4096 characters, without U+0000 or lone surrogates';
      expect(await refuse('GET', `${root}?${query}`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: 'cursor', detail }]),
      );
    });
  }

  // Its checksum is no secret, so whoever reads the source can make one up.
  const CRAFTED: readonly [what: string, sort: Sort, key: unknown, id: unknown][] = [
    ['a number for a time', 'created_at', 5, id],
    ['no time', 'created_at', null, id],
    ['a word for a time', '-created_at', 'infinity', id],
    ['a day for a time', 'updated_at', '2026-12-01', id],
    ['a time before all', 'created_at', '0001-01-01T00:00:00.000Z', id],
    ['a time after all', 'created_at', '+010000-01-01T00:00:00.000Z', id],
    ['a time that is none', 'created_at', '2026-02-30T00:00:00.000Z', id],
    ['a time with 200 digits of a second', 'created_at', `2026-12-01T00:00:00.${'1'.repeat(200)}Z`, id],
    ['a time with an offset that PostgreSQL refuses', 'due', '2026-12-01T00:00:00.000+23:59', id],
    ['a time in another spelling', '-due', '2026-12-01t00:00:00z', id],
    ['U+0000 in a title', 'title', 'a\0', id],
    ['a lone surrogate in a title', 'title', 'a\ud83e', id],
    ['an empty title', 'title', '', id],
    ['a title that is too long', 'title', 'a'.repeat(501), id],
    ['an object for a title', 'title', {}, id],
    ['an unknown priority', 'priority', 'urgent', id],
    ['an empty priority', '-priority', '', id],
    ['no priority', 'priority', null, id],
    ['a fraction', 'order', 0.5, id],
    ['an order of 54 bit', 'order', 2 ** 53, id],
    ['a huge number', '-order', 1e308, id],
    ['a number in a string', 'order', '1', id],
    ['true', 'order', true, id],
    ['no id', 'created_at', time, null],
    ['an id that is none', 'created_at', time, 'x'],
    ['an id in braces', 'created_at', time, `{${id}}`],
    ['an id in capital letters', 'created_at', time, id.toUpperCase()],
    ['an id with U+0000', 'created_at', time, `${id}\0`],
    ['an id with a line feed', 'created_at', time, `${id}\n`],
    ['a list of ids', 'created_at', time, [id]],
  ];
  for (const [what, sort, key, crafted] of CRAFTED) {
    test(`is refused when someone made it up with ${what}`, async () => {
      const { refuse, root, user } = open();
      await store(database, user, [rowOf(0), rowOf(1)]);
      const cursor = encodeCursor({ key, id: crafted } as never, sort, bindingOf(user));
      expect(await refuse('GET', `${root}?sort=${sort}&cursor=${cursor}`)).toEqual(refused(root));
    });
  }
});

/** What the service binds a list without a filter to. */
function bindingOf(user: string): unknown {
  return [user, {}];
}
