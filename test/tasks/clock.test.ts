/** A machine's clock may be wrong: the service serves all the same, and no time of a task goes back. */
import { expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { idAt, START } from '../support/app.ts';
import { forEachDatabase } from '../support/databases.ts';
import { deletedAll, noContent, success } from '../support/expected.ts';

const FIRST = '1970-01-01T00:00:00.000Z';
const LAST = '9999-12-31T23:59:59.999Z';
const HOUR_MS = 60 * 60 * 1000;

const timesOf = ({ created_at, updated_at, completed_at }: Partial<Task>) => ({ created_at, updated_at, completed_at });

forEachDatabase('The clock', (open) => {
  for (const [what, now, time] of [
    ['before 1970 counts as the beginning of 1970', Date.parse(FIRST) - 1, FIRST],
    ['far before 1970 counts as the beginning of 1970', -8.64e15, FIRST],
    ['after 9999 counts as the end of 9999', Date.parse(LAST) + 1, LAST],
  ] as const)
    test(what, async () => {
      const { call, clock, root, stored, user } = open();
      clock.now = now;
      const headers = { 'idempotency-key': 'k' };
      const create = () => call<Task>('POST', root, { body: { title: 'a', completed: true }, headers });
      const created = await create();
      const id = idAt(time);
      const task = {
        id,
        user_id: user,
        title: 'a',
        description: null,
        completed: true,
        completed_at: time,
        priority: 'medium',
        tags: [],
        project: null,
        metadata: {},
        deleted_at: null,
        due_date: null,
        due_at: null,
        start_date: null,
        order: 0,
        created_at: time,
        updated_at: time,
        revision: 1,
        url: `http://localhost${root}/${id}`,
      };
      expect<unknown>(created).toEqual(success(201, task, { etag: '"1"', location: task.url }));
      const replayed = { etag: '"1"', location: task.url, 'idempotency-replayed': 'true' };
      expect<unknown>(await create()).toEqual(success(201, task, replayed));
      expect(await call('PATCH', task.url, { body: { order: 1 } })).toEqual(
        success(200, { ...task, order: 1, revision: 2 }, { etag: '"2"' }),
      );
      expect(await call('DELETE', root)).toEqual(deletedAll(1));
      expect((await stored()).tasks).toMatchObject([{ id, updated_at: time, deleted_at: time }]);
    });

  test('that steps back leaves every time of a task where it is, until it has caught up', async () => {
    const { call, clock, create, root, stored } = open();
    const { url } = await create();
    clock.now -= HOUR_MS;
    const stands = { created_at: START, updated_at: START };
    const change = async (method: string, path: string, body?: object, headers = {}) =>
      timesOf((await call<Task>(method, url + path, { body, headers })).body);
    expect(await change('PATCH', '', { order: 1 })).toEqual({ ...stands, completed_at: null });
    expect(await change('PATCH', '/complete')).toEqual({ ...stands, completed_at: START });
    expect(await change('PATCH', '/complete')).toEqual({ ...stands, completed_at: null });
    const keyed = { 'idempotency-key': 'k' };
    expect(await change('PATCH', '/complete', { completed: true }, keyed)).toEqual({ ...stands, completed_at: START });
    expect(await change('PUT', '', { title: 'b', completed: true })).toEqual({ ...stands, completed_at: START });
    expect(await call('DELETE', url)).toEqual(noContent());
    expect((await stored()).tasks).toMatchObject([{ ...stands, deleted_at: START }]);
    expect(await change('POST', '/restore')).toEqual({ ...stands, completed_at: START });
    expect(await call('DELETE', root)).toEqual(deletedAll(1));
    expect((await stored()).tasks).toMatchObject([{ ...stands, deleted_at: START }]);
    clock.now += HOUR_MS + 1;
    const later = '2026-11-21T09:30:00.001Z';
    expect(await change('POST', '/restore')).toEqual({ created_at: START, updated_at: later, completed_at: START });
  });

  test('that steps back does so for many users at the same moment too', async () => {
    const app = open();
    const apps = [app, app.forNextUser(), app.forNextUser()];
    const tasks = await Promise.all(apps.map(({ create }) => create()));
    app.clock.now -= HOUR_MS;
    const toggled = await Promise.all(tasks.map(({ url }) => app.call<Task>('PATCH', `${url}/complete`)));
    const all = { created_at: START, updated_at: START, completed_at: START };
    expect(toggled.map(({ body }) => timesOf(body))).toEqual([all, all, all]);
  });
});
