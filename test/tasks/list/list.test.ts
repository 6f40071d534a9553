import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { ORIGIN } from '../../support/app.ts';
import { forEachDatabase, onOneDatabase } from '../../support/databases.ts';
import { invalidInput, LIST_VARY, success } from '../../support/expected.ts';

/** Of a list on one page, at a state of the user's counter. */
const listHeaders = (root: string, counter: number) => ({
  etag: expect.stringMatching(new RegExp(`^"${counter}\\.`)),
  link: `<${ORIGIN}${root}>; rel="first"`,
  vary: LIST_VARY,
});

const LIMIT = 'must be an integer from 1 to 200 in plain decimal, given once';
const TRUE_OR_FALSE = 'must be true or false, given once';

forEachDatabase('GET /api/{user_id}/tasks', (open) => {
  test('is an empty array for a user that the service has never heard of', async () => {
    const { call, root, stored } = open();
    const answer = await call('GET', root);
    expect(answer).toEqual(success(200, [], listHeaders(root, 0)));
    expect(await stored()).toEqual({ tasks: [], revision: undefined });
  });

  test('lists the tasks whole, newest first, those of one instant by their ids', async () => {
    const { call, root, clock, create } = open();
    const a = await create({ title: 'a' });
    const b = await create({ title: 'b', completed: true, tags: ['x'], due_date: '2026-12-01' });
    clock.now += 1;
    const c = await create({ title: 'c', description: 'long' });
    expect(await call('GET', root)).toEqual(success(200, [c, b, a], listHeaders(root, 3)));
    expect(await call('GET', `${root}/`)).toEqual(success(200, [c, b, a], listHeaders(root, 3)));
  });

  test('keeps the order when a task changes', async () => {
    const { call, root, create } = open();
    const a = await create({ title: 'a' });
    const b = await create({ title: 'b' });
    const { body: changed } = await call<Task>('PATCH', a.url, { body: { title: 'z', order: 9 } });
    expect((await call('GET', root)).body).toEqual([b, changed]);
  });

  test('leaves out what is in the bin', async () => {
    const { call, root, create } = open();
    const a = await create();
    const b = await create();
    await call('DELETE', a.url);
    expect((await call('GET', root)).body).toEqual([b]);
    await call('POST', `${a.url}/restore`);
    expect((await call<Task[]>('GET', root)).body.map(({ id }) => id)).toEqual([b.id, a.id]);
  });

  test('shows 50 tasks where no limit is named, and up to 200', async () => {
    const { call, root, create } = open();
    const created: Task[] = [];
    for (let n = 0; n < 201; n += 1) created.unshift(await create());
    const list = async (query: string) => (await call<Task[]>('GET', root + query)).body;
    expect(await list('')).toEqual(created.slice(0, 50));
    expect(await list('?limit=1')).toEqual(created.slice(0, 1));
    expect(await list('?limit=200')).toEqual(created.slice(0, 200));
  });

  test('shows only those that are, or are not, completed', async () => {
    const { call, root, create } = open();
    const done = await create({ completed: true });
    const open_ = await create();
    expect((await call('GET', `${root}?completed=true`)).body).toEqual([done]);
    expect((await call('GET', `${root}?completed=false`)).body).toEqual([open_]);
    expect((await call('GET', `${root}?completed=%74rue&limit=5`)).body).toEqual([done]);
  });
});

onOneDatabase('GET /api/{user_id}/tasks', (open) => {
  for (const limit of [
    '',
    '0',
    '201',
    '-1',
    '1.5',
    '1e1',
    '0x10',
    '05',
    '%205',
    '%2B5',
    '+5',
    '5%00',
    'ten',
    '٥',
    '9'.repeat(40),
  ]) {
    test(`refuses the limit ${JSON.stringify(limit)}`, async () => {
      const { refuse, root } = open();
      expect(await refuse('GET', `${root}?limit=${limit}`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: 'limit', detail: LIMIT }]),
      );
    });
  }

  for (const completed of ['', '1', 'yes', 'True', 'null', '%ZZ', 'true%20']) {
    test(`refuses completed as ${JSON.stringify(completed)}`, async () => {
      const { refuse, root } = open();
      expect(await refuse('GET', `${root}?completed=${completed}`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: 'completed', detail: TRUE_OR_FALSE }]),
      );
    });
  }

  test('refuses a parameter that is given twice, even with the same value', async () => {
    const { refuse, root } = open();
    expect(await refuse('GET', `${root}?limit=5&completed=true&completed=true`)).toEqual(
      invalidInput(root, [{ in: 'query', pointer: 'completed', detail: TRUE_OR_FALSE }]),
    );
  });

  test('refuses a misspelt parameter rather than showing everything', async () => {
    const { refuse, root } = open();
    for (const name of ['complete', 'Completed', '__proto__', 'constructor', 'a/b']) {
      expect(await refuse('GET', `${root}?${name}=true`)).toEqual(
        invalidInput(root, [{ in: 'query', pointer: name, detail: 'unknown parameter' }]),
      );
    }
  });

  test('tells every fault of a query at once', async () => {
    const { refuse, root } = open();
    const { status, body } = await refuse<{ errors: unknown[] }>('GET', `${root}?limit=0&completed=maybe&page=2`);
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(3);
    expect(body.errors).toEqual(
      expect.arrayContaining([
        { in: 'query', pointer: 'limit', detail: LIMIT },
        { in: 'query', pointer: 'completed', detail: TRUE_OR_FALSE },
        { in: 'query', pointer: 'page', detail: 'unknown parameter' },
      ]),
    );
  });
});
