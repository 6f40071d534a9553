import { expect, test } from 'bun:test';
import { START } from '../support/app.ts';
import { forEachDatabase } from '../support/databases.ts';
import { noContent, taskNotFound } from '../support/expected.ts';
import { MISSING_IDS } from '../support/fields.ts';

const LATER = '2026-11-21T09:31:00.000Z';

forEachDatabase('DELETE /api/{user_id}/tasks/{id}', (open) => {
  test('puts the task into the bin, whole, under the next revision', async () => {
    const { call, clock, create, stored } = open();
    const task = await create({ completed: true, tags: ['a'], due_date: '2026-12-01' });
    const other = await create();
    const { tasks: before } = await stored();
    clock.now = Date.parse(LATER);
    expect(await call('DELETE', task.url)).toEqual(noContent());
    const change = { deleted_at: LATER, updated_at: LATER, revision: 3 };
    expect(await stored()).toEqual({
      tasks: before.map((row) => (row.id === task.id ? { ...row, ...change } : row)),
      revision: 3,
    });
    expect((await call('GET', other.url)).body).toEqual(other);
  });

  test('takes an empty body of type JSON, as the Todo-Backend client sends it', async () => {
    const { call, create } = open();
    const { url } = await create();
    const answer = await call('DELETE', url, { raw: '', headers: { 'content-type': 'application/json' } });
    expect(answer).toEqual(noContent());
  });

  test('answers 404 the second time, and does not delete again', async () => {
    const { call, clock, root, create, stored } = open();
    const { id } = await create();
    await call('DELETE', `${root}/${id}`);
    const before = await stored();
    clock.now = Date.parse(LATER);
    expect(await call('DELETE', `${root}/${id}`)).toEqual(taskNotFound(`${root}/${id}`));
    expect(await stored()).toEqual(before);
  });

  test('deletes once for many requests at the same time', async () => {
    const { call, create, stored } = open();
    const { url } = await create();
    const answers = await Promise.all(Array.from({ length: 5 }, () => call('DELETE', url)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404, 404, 404, 404]);
    expect((await stored()).tasks).toMatchObject([{ deleted_at: START, revision: 2 }]);
  });

  for (const { what, id } of MISSING_IDS) {
    test(`answers 404 to ${what}`, async () => {
      const { call, root, stored } = open();
      expect(await call('DELETE', `${root}/${id}`)).toEqual(taskNotFound(`${root}/${id}`));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }
});
