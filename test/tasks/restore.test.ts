import { expect, test } from 'bun:test';
import { forEachDatabase } from '../support/databases.ts';
import { success, taskNotFound } from '../support/expected.ts';
import { MISSING_IDS } from '../support/fields.ts';

const LATER = '2026-11-21T09:31:00.000Z';

forEachDatabase('POST /api/{user_id}/tasks/{id}/restore', (open) => {
  test('takes the task out of the bin as it was, under the next revision', async () => {
    const { call, clock, root, create, stored } = open();
    const task = await create({ completed: true, description: 'x', tags: ['a'], due_at: '2026-12-01T09:30:00Z' });
    const { tasks: before } = await stored();
    await call('DELETE', task.url);
    clock.now = Date.parse(LATER);
    const restored = { ...task, updated_at: LATER, revision: 3 };
    expect(await call('POST', `${task.url}/restore`)).toEqual(success(200, restored, { etag: '"3"' }));
    expect(await stored()).toEqual({
      tasks: before.map((row) => ({ ...row, updated_at: LATER, revision: 3 })),
      revision: 3,
    });
    expect((await call('GET', task.url)).body).toEqual(restored);
    expect((await call('GET', root)).body).toEqual([restored]);
  });

  test('leaves a task that is not in the bin as it is', async () => {
    const { call, clock, create, stored } = open();
    const task = await create();
    const before = await stored();
    clock.now = Date.parse(LATER);
    expect(await call('POST', `${task.url}/restore`)).toEqual(success(200, task, { etag: '"1"' }));
    expect(await stored()).toEqual(before);
  });

  test('takes an empty body of type JSON', async () => {
    const { call, create } = open();
    const { url } = await create();
    await call('DELETE', url);
    const answer = await call('POST', `${url}/restore`, { raw: '', headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status: 200 });
  });

  test('brings back each task of a deletion of all', async () => {
    const { call, root, create, stored } = open();
    const a = await create();
    const b = await create();
    await call('DELETE', root);
    await call('POST', `${b.url}/restore`);
    await call('POST', `${a.url}/restore`);
    expect(await stored()).toMatchObject({
      tasks: [
        { deleted_at: null, revision: 6 },
        { deleted_at: null, revision: 5 },
      ],
      revision: 6,
    });
  });

  for (const { what, id } of MISSING_IDS) {
    test(`answers 404 to ${what}`, async () => {
      const { call, root, stored } = open();
      const path = `${root}/${id}/restore`;
      expect(await call('POST', path)).toEqual(taskNotFound(path));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }
});
