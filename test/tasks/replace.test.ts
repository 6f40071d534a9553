import { expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { START } from '../support/app.ts';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { invalidInput, success, taskNotFound } from '../support/expected.ts';
import { ACCEPTED, MISSING_IDS, READ_ONLY, REFUSED } from '../support/fields.ts';

const LATER = '2026-11-21T09:31:00.000Z';

forEachDatabase('PUT /api/{user_id}/tasks/{id}', (open) => {
  test('replaces every field: what is left out takes its default', async () => {
    const { call, clock, create, stored } = open();
    const task = await create({
      description: 'Two bottles',
      completed: true,
      priority: 'high',
      tags: ['errand'],
      project: 'Home',
      due_date: '2026-12-01',
      start_date: '2026-11-24',
      order: 2 ** 40,
      metadata: { colour: 'red' },
    });
    clock.now = Date.parse(LATER);
    const replaced = {
      ...task,
      title: 'Buy bread',
      description: null,
      completed: false,
      completed_at: null,
      priority: 'medium' as const,
      tags: [],
      project: null,
      due_date: null,
      start_date: null,
      order: 0,
      metadata: {},
      updated_at: LATER,
      revision: 2,
    };
    const answer = await call('PUT', task.url, { body: { title: ' Buy bread ' } });
    expect(answer).toEqual(success(200, replaced, { etag: '"2"' }));
    const { url: _, ...row } = replaced;
    expect(await stored()).toEqual({ tasks: [{ ...row, metadata: null, wide_order: null, due: null }], revision: 2 });
  });

  for (const { rule, sent, kept, row = kept } of ACCEPTED) {
    test(`accepts: ${rule}`, async () => {
      const { call, create, stored } = open();
      const { url } = await create({
        title: 'Before',
        description: 'Before',
        tags: ['before'],
        order: -(2 ** 40),
        metadata: { before: true },
      });
      const answer = await call('PUT', url, { body: { title: 'Buy milk', ...sent } });
      expect(answer).toMatchObject({ status: 200, body: kept });
      expect((await stored()).tasks).toMatchObject([row]);
    });
  }

  test('takes a task back as it was read, with one field edited', async () => {
    const { call, clock, create } = open();
    const task = await create({ completed: true, tags: ['a'], due_at: '2026-12-01T09:30:00Z', description: '' });
    clock.now = Date.parse(LATER);
    const { body: read } = await call<Task>('GET', task.url);
    expect(await call('PUT', task.url, { body: { ...read, title: 'Edited' } })).toEqual(
      success(200, { ...task, title: 'Edited', updated_at: LATER, revision: 2 }, { etag: '"2"' }),
    );
  });

  test('ignores what only the server sets, whatever it is', async () => {
    const { call, clock, create } = open();
    const task = await create();
    clock.now = Date.parse(LATER);
    expect(await call('PUT', task.url, { body: { title: 'Edited', ...READ_ONLY } })).toEqual(
      success(200, { ...task, title: 'Edited', updated_at: LATER, revision: 2 }, { etag: '"2"' }),
    );
  });

  test('keeps the revision and the time of a task that is the same afterwards', async () => {
    const { call, clock, create, stored } = open();
    const task = await create({ tags: ['a'], due_at: '2026-12-01T09:30:00Z' });
    const before = await stored();
    clock.now = Date.parse(LATER);
    const answer = await call('PUT', task.url, {
      body: { title: ' Buy milk', tags: ['A', 'a '], due_at: '2026-12-01T10:30:00.000+01:00' },
    });
    expect(answer).toEqual(success(200, task, { etag: '"1"' }));
    expect(await stored()).toEqual(before);
  });

  test('moves a task from a day to an instant', async () => {
    const { call, create } = open();
    const { url } = await create({ due_date: '2026-12-01' });
    const answer = await call('PUT', url, { body: { title: 'Buy milk', due_at: '2026-12-01T09:30:00Z' } });
    expect(answer).toMatchObject({ status: 200, body: { due_date: null, due_at: '2026-12-01T09:30:00.000Z' } });
  });

  test('sets the time of completion when the task becomes completed, keeps it while it is, and clears it after', async () => {
    const { call, clock, create } = open();
    const { url } = await create();
    const put = async (completed: boolean, title: string) =>
      (await call<Task>('PUT', url, { body: { title, completed } })).body.completed_at;
    clock.now = Date.parse(LATER);
    expect(await put(true, 'a')).toBe(LATER);
    clock.now += 1000;
    expect(await put(true, 'b')).toBe(LATER);
    expect(await put(false, 'c')).toBeNull();
    expect(await put(true, 'd')).toBe('2026-11-21T09:31:01.000Z');
  });

  for (const { what, id } of MISSING_IDS) {
    test(`creates nothing and answers 404 to ${what}`, async () => {
      const { call, root, stored } = open();
      const answer = await call('PUT', `${root}/${id}`, { body: { title: 'Buy milk' } });
      expect(answer).toEqual(taskNotFound(`${root}/${id}`));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }

  test('does not find what was deleted', async () => {
    const { call, root, create, stored } = open();
    const { id, created_at } = await create();
    expect(created_at).toBe(START);
    await call('DELETE', `${root}/${id}`);
    const before = await stored();
    expect(await call('PUT', `${root}/${id}`, { body: { title: 'Back' } })).toEqual(taskNotFound(`${root}/${id}`));
    expect(await stored()).toEqual(before);
  });
});

onOneDatabase('PUT /api/{user_id}/tasks/{id}', (open) => {
  for (const { rule, sent, pointer, detail } of REFUSED) {
    test(`refuses, and leaves the task as it is: ${rule}`, async () => {
      const { refuse, root, create, stored } = open();
      const { id } = await create();
      const before = await stored();
      const answer = await refuse('PUT', `${root}/${id}`, { body: { title: 'Buy bread', ...sent } });
      expect(answer).toEqual(invalidInput(`${root}/${id}`, [{ in: 'body', pointer, detail }]));
      expect(await stored()).toEqual(before);
    });
  }

  test('requires a title', async () => {
    const { refuse, root, create } = open();
    const { id } = await create();
    expect(await refuse('PUT', `${root}/${id}`, { body: { description: null } })).toEqual(
      invalidInput(`${root}/${id}`, [{ in: 'body', pointer: '/title', detail: 'is required' }]),
    );
  });
});
