/** Eden makes a client of the app's type alone: what its routes declare is what a front end compiles against. */
import { expect, test } from 'bun:test';
import { treaty } from '@elysiajs/eden';
import type { App } from '../../src/app.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { serve } from '../support/server.ts';

/** A type that is `any` would let everything compile. */
type IsAny<T> = 0 extends 1 & T ? true : false;
const typesAre = (_: false) => {};

test('a client that Eden makes of the app knows paths, bodies, answers and problems', async () => {
  await using server = serve();
  // Without it Eden makes a Date of a title that looks like one.
  const client = treaty<App>(server.origin, { parseDate: false });
  const tasks = client.api({ user_id: 'ada' }).tasks;

  const created = await tasks.post({ title: '2026-12-01', tags: ['home'] });
  if (created.error) throw created.error;
  typesAre(false satisfies IsAny<typeof created.data>);
  const task: Task = created.data;
  expect(created).toMatchObject({ status: 201, data: { title: '2026-12-01', tags: ['home'], user_id: 'ada' } });

  const { id } = task;
  const changed = await tasks({ id }).patch({ priority: 'high' }, { headers: { 'if-match': '"1"' } });
  expect(changed.data).toEqual({
    ...task,
    priority: 'high',
    revision: 2,
    updated_at: changed.data?.updated_at as string,
  });

  const list = await tasks.get({ query: { tag: ['home'], limit: '1' } });
  expect(list.data).toEqual([changed.data as Task]);

  const missing = await tasks({ id: 'x' }).get();
  if (missing.error === null || missing.error.status !== 404) throw new Error('It is not missing.');
  const { title } = missing.error.value;
  typesAre(false satisfies IsAny<typeof title>);
  expect(title).toBe('There is no such task');

  // @ts-expect-error a title is a string
  const refused = await tasks.post({ title: 5 });
  expect(refused).toMatchObject({ status: 400, error: { value: { errors: [{ pointer: '/title' }] } } });

  expect((await tasks({ id }).delete()).status).toBe(204);
  expect((await client.health.live.get()).data).toEqual({ status: 'ok' });
});
