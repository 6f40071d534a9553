import { expect, test } from 'bun:test';
import { forEachDatabase } from '../../support/databases.ts';
import { LIST_VARY } from '../../support/expected.ts';
import { linksOf } from '../../support/links.ts';
import { rowOf, store } from '../../support/task-rows.ts';

const APPLIED = { 'x-total-count': '5', 'preference-applied': 'count=exact' };

forEachDatabase('Prefer: count=exact on a list', (open, database) => {
  async function withFiveTasks() {
    const app = open();
    const rows = Array.from({ length: 5 }, (_, n) => rowOf(n, { tags: n < 2 ? ['a'] : [] }));
    await store(database, app.user, [...rows, rowOf(5, { deleted_at: '2026-12-01T00:00:00.000Z' })]);
    const list = (query: string, prefer?: string) =>
      app.call<unknown[]>('GET', app.root + query, { headers: prefer === undefined ? {} : { prefer } });
    return { ...app, list };
  }

  for (const prefer of [
    'count=exact',
    'count="exact"',
    'Count=exact',
    ' count = exact ',
    'count=exact; source="a, b"',
    'respond-async, count=exact, wait=10',
    'handling="a, \\"b", count=exact',
    'count=exact, count=none',
    ', , count=exact',
  ]) {
    test(`is heard as ${prefer}`, async () => {
      const { list } = await withFiveTasks();
      const { status, headers, body } = await list('?limit=2', prefer);
      expect({ status, length: body.length }).toEqual({ status: 200, length: 2 });
      expect(headers).toMatchObject(APPLIED);
    });
  }

  for (const prefer of [
    '',
    'count',
    'count=none',
    'count=exactly',
    'count="exact',
    'counts=exact',
    'x-count=exact',
    'return=minimal; count=exact',
    'handling="a, count=exact, b"',
    'count=planned, count=exact',
  ]) {
    test(`is not heard in ${JSON.stringify(prefer)}`, async () => {
      const { list } = await withFiveTasks();
      const { status, headers } = await list('?limit=2', prefer);
      expect(status).toBe(200);
      expect(Object.keys(headers)).not.toContainAnyValues(Object.keys(APPLIED));
    });
  }

  test('is heard in a field after another one of that name', async () => {
    const { app, root } = await withFiveTasks();
    const headers = new Headers([
      ['prefer', 'respond-async'],
      ['prefer', 'count=exact'],
    ]);
    const answer = await app.handle(new Request(`http://localhost${root}`, { headers }));
    expect(answer.headers.get('x-total-count')).toBe('5');
  });

  test('counts what the filters match, all pages of it, whichever page is asked for', async () => {
    const { list, call } = await withFiveTasks();
    const total = async (query: string) => (await list(query, 'count=exact')).headers['x-total-count'];
    expect(await total('')).toBe('5');
    expect(await total('?tag=a&limit=1')).toBe('2');
    expect(await total('?completed=true')).toBe('0');
    expect(await total('?deleted=true')).toBe('1');
    const { next = '' } = linksOf((await list('?limit=3', 'count=exact')).headers);
    const second = await call<unknown[]>('GET', next, { headers: { prefer: 'count=exact' } });
    expect(second.body).toHaveLength(2);
    expect(second.headers).toMatchObject(APPLIED);
  });

  test('says 0 of a user without tasks', async () => {
    const { call, root } = open();
    const { headers } = await call('GET', root, { headers: { prefer: 'count=exact' } });
    expect(headers).toMatchObject({ ...APPLIED, 'x-total-count': '0' });
  });

  test('leaves the page as it is, under a tag of its own', async () => {
    const { list } = await withFiveTasks();
    const plain = await list('?limit=2');
    const counted = await list('?limit=2', 'count=exact');
    expect(counted.body).toEqual(plain.body);
    expect(counted.headers.etag).toBe(plain.headers.etag?.replace(/"$/, '.counted"') as string);
    expect([plain.headers.vary, counted.headers.vary]).toEqual([LIST_VARY, LIST_VARY]);
    expect(counted.headers.link).toBe(plain.headers.link as string);
  });
});
