import { expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { forEachDatabase } from '../support/databases.ts';
import { invalidInput, success, taskNotFound } from '../support/expected.ts';
import { MISSING_IDS } from '../support/fields.ts';

forEachDatabase('GET /api/{user_id}/tasks/{id}', (open) => {
  test('answers with the task as it was created, under the url that the creation told', async () => {
    const { call, create } = open();
    const task = await create({ description: 'Two bottles', tags: ['errand'], due_at: '2026-12-01T09:30:00.5Z' });
    expect(await call('GET', task.url)).toEqual(success(200, task, { etag: '"1"' }));
    expect(task).toMatchObject({ description: 'Two bottles', tags: ['errand'], due_at: '2026-12-01T09:30:00.500Z' });
  });

  test('gives the same bytes again', async () => {
    const { app, create } = open();
    const { url } = await create();
    const read = async () => (await app.handle(new Request(url))).text();
    expect(await read()).toBe(await read());
  });

  test('finds a task by its id in capitals, and names it in small letters', async () => {
    const { call, root, create } = open();
    const task = await create();
    expect(await call('GET', `${root}/${task.id.toUpperCase()}`)).toEqual(success(200, task, { etag: '"1"' }));
  });

  test('tells the url as the request reached the service', async () => {
    const { app, root, create } = open();
    const { id } = await create();
    const answer = await app.handle(new Request(`http://todo.example:8080${root}/${id}`));
    expect(await answer.json()).toMatchObject({ url: `http://todo.example:8080${root}/${id}` });
  });

  test('does not find what was deleted', async () => {
    const { call, root, create } = open();
    const { id } = await create();
    await call('DELETE', `${root}/${id}`);
    expect(await call('GET', `${root}/${id}`)).toEqual(taskNotFound(`${root}/${id}`));
  });

  for (const { what, id } of MISSING_IDS) {
    test(`answers 404 to ${what}`, async () => {
      const { call, root, create } = open();
      await create();
      expect(await call('GET', `${root}/${id}`)).toEqual(taskNotFound(`${root}/${id}`));
    });
  }

  test('takes white space and signs around an id for part of it', async () => {
    const { call, root, create } = open();
    const { id } = await create();
    for (const other of [`%20${id}`, `${id}%0A`, `%7B${id}%7D`, `urn:uuid:${id}`, id.replaceAll('-', '')]) {
      expect(await call('GET', `${root}/${other}`)).toEqual(taskNotFound(`${root}/${other}`));
    }
  });

  test('refuses an unknown parameter', async () => {
    const { call, root, create } = open();
    const { id } = await create();
    const violation = { in: 'query' as const, pointer: 'colour', detail: 'unknown parameter' };
    expect(await call('GET', `${root}/${id}?colour=red`)).toEqual(invalidInput(`${root}/${id}`, [violation]));
  });

  test('of a hundred reads at the same moment each is answered with its own task, or with none', async () => {
    const owners = ['{a,b}', '"', ';', 'NULL', 'a b', '%', "it's", '\u{1f95b}'];
    const { call, root, create } = open();
    const own = await create();
    const tasks = await Promise.all(
      owners.map(async (owner) => {
        const others = `/api/${encodeURIComponent(owner)}/tasks`;
        const { body } = await call<Task>('POST', others, { body: { title: owner } });
        return { others, body };
      }),
    );
    const reads = Array.from({ length: 6 }, () => [
      ...tasks.map(({ body }) => ({ path: body.url, answer: success(200, body, { etag: '"1"' }) })),
      ...tasks.map(({ body }) => ({ path: `${root}/${body.id}`, answer: taskNotFound(`${root}/${body.id}`) })),
      { path: own.url, answer: success(200, own, { etag: '"1"' }) },
      { path: `${root}/${own.id.toUpperCase()}`, answer: success(200, own, { etag: '"1"' }) },
    ]).flat();
    expect(await Promise.all(reads.map(({ path }) => call('GET', path)))).toEqual(reads.map(({ answer }) => answer));
    for (const { others } of tasks) await call('DELETE', others);
  });
});
