import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase, onOneDatabase } from '../../support/databases.ts';
import {
  malformed,
  noContent,
  notModified,
  preconditionFailed,
  preconditionRequired,
  taskNotFound,
} from '../../support/expected.ts';
import { prepare, send, WRITES, type Write } from './writes.ts';

/** `@` is the task's current tag, with its quotes. */
const MATCHING = ['@', '*', ' * ', '"0", @', '@,"0"', ' , ,@ ,, ', '"a,b", @', 'W/"0", @', '"", @', '@, @'];
const FAILING = ['"0"', '"1"', 'W/@', '"1", "99"', 'W/@, "1"', '"9999999999999999999999"', '"*"', '""', '"0x2"'];
const MALFORMED = [
  '',
  ',',
  '2',
  '@ @',
  '"1" @',
  '@ x',
  'x, @',
  '*, @',
  '@, *',
  '"2',
  '"',
  'w/@',
  'W/ @',
  "'2'",
  '@"',
  '"2 "',
];

const pathOf = ({ url }: Task, { path }: Write) => new URL(url).pathname + path;

forEachDatabase('A change with If-Match', (open) => {
  for (const write of WRITES) {
    test(`is made by ${write.name} where the field names the current tag, or any`, async () => {
      const app = open();
      for (const field of MATCHING) {
        const task = await prepare(app, write);
        const { status } = await send(app, write, task, { 'if-match': field.replaceAll('@', `"${task.revision}"`) });
        expect({ field, status }).toEqual({ field, status: write.success });
        const { tasks, revision } = await app.stored();
        expect(revision).toBe(task.revision + 1);
        expect(tasks.at(-1)).toMatchObject({ id: task.id, revision: task.revision + 1 });
      }
    });

    test(`is not made by ${write.name} where the field names other tags`, async () => {
      const app = open();
      const task = await prepare(app, write);
      const before = await app.stored();
      const tag = `"${task.revision}"`;
      for (const field of FAILING) {
        const sent = field.replaceAll('@', tag);
        const answer = await send(app, write, task, { 'if-match': sent });
        expect({ field, answer }).toEqual({ field, answer: preconditionFailed(pathOf(task, write), tag, sent) });
      }
      expect(await app.stored()).toEqual(before);
    });

    test(`is not made by ${write.name} with If-None-Match where that names the current tag, or any`, async () => {
      const app = open();
      const task = await prepare(app, write);
      const before = await app.stored();
      const tag = `"${task.revision}"`;
      for (const field of ['*', tag, `W/${tag}`, `"0", ${tag}`])
        expect(await send(app, write, task, { 'if-none-match': field })).toEqual(
          preconditionFailed(pathOf(task, write), tag),
        );
      expect(await send(app, write, task, { 'if-none-match': 'x' })).toEqual(
        malformed(pathOf(task, write), 'If-None-Match'),
      );
      expect(await send(app, write, task, { 'if-match': tag, 'if-none-match': tag })).toEqual(
        preconditionFailed(pathOf(task, write), tag),
      );
      expect(await send(app, write, task, { 'if-match': '"1"', 'if-none-match': '"1"' })).toEqual(
        preconditionFailed(pathOf(task, write), tag),
      );
      expect(await app.stored()).toEqual(before);
      const answer = await send(app, write, task, { 'if-match': tag, 'if-none-match': '"0", W/"1"' });
      expect(answer.status).toBe(write.success);
    });

    test(`is a 404 by ${write.name} where there is no task to have a tag`, async () => {
      const app = open();
      const task = await prepare(app, write);
      const path = `${app.root}/01980a3e-7c00-7000-8000-00000000dead`;
      const missing = { ...task, url: `http://localhost${path}` };
      const conditions: Record<string, string>[] = [
        { 'if-match': '*' },
        { 'if-match': '"1"' },
        { 'if-none-match': '*' },
      ];
      for (const headers of conditions)
        expect(await send(app, write, missing, headers)).toEqual(taskNotFound(path + write.path));
    });

    test(`is what strict mode wants of ${write.name}`, async () => {
      const app = open({ requireIfMatch: true });
      const { url } = await app.create();
      await app.call('PATCH', url, { body: { order: 1 }, headers: { 'if-match': '*' } });
      if (write.deleted) await app.call('DELETE', url, { headers: { 'if-match': '"2"' } });
      const before = await app.stored();
      const [{ revision } = { revision: 0 }] = before.tasks;
      const task = { url, revision } as Task;
      expect(await send(app, write, task)).toEqual(preconditionRequired(pathOf(task, write)));
      expect(await send(app, write, task, { 'if-none-match': '"0"' })).toEqual(
        preconditionRequired(pathOf(task, write)),
      );
      expect(await send(app, write, task, { 'if-match': '"1"' })).toEqual(
        preconditionFailed(pathOf(task, write), `"${revision}"`),
      );
      expect(await app.stored()).toEqual(before);
      expect((await send(app, write, task, { 'if-match': `"${revision}"` })).status).toBe(write.success);
    });
  }

  test('takes several fields as one list', async () => {
    const { app, create } = open();
    const { url } = await create();
    const headers: [string, string][] = [
      ['if-match', '"7"'],
      ['if-match', 'W/"1"'],
    ];
    const remove = () => app.handle(new Request(url, { method: 'DELETE', headers }));
    expect((await remove()).status).toBe(412);
    headers.push(['if-match', '"1"']);
    expect((await remove()).status).toBe(204);
  });

  test('is a 404 to a task in the bin, for all but restore', async () => {
    const app = open();
    const { url, id } = await app.create();
    await app.call('DELETE', url);
    for (const write of WRITES.filter(({ deleted }) => !deleted))
      expect(await send(app, write, { url } as Task, { 'if-match': '"2"' })).toEqual(
        taskNotFound(`${app.root}/${id}${write.path}`),
      );
  });

  test('that would change nothing is held to it all the same', async () => {
    const { call, root, create, stored } = open();
    const { url, id, title } = await create();
    await call('PATCH', url, { body: { order: 1 } });
    const before = await stored();
    for (const [method, path, body] of [
      ['PATCH', '', { title }],
      ['PATCH', '', {}],
      ['PATCH', '/complete', { completed: false }],
      ['POST', '/restore', undefined],
    ] as const) {
      const change = (tag: string) => call(method, url + path, { body, headers: { 'if-match': tag } });
      expect(await change('"1"')).toEqual(preconditionFailed(`${root}/${id}${path}`, '"2"'));
      expect(await change('"2"')).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    }
    expect(await stored()).toEqual(before);
  });

  test('says what is wrong with a request before it says that its revision is', async () => {
    const { call, create } = open();
    const { url } = await create();
    const answer = await call('PATCH', url, { body: { title: '' }, headers: { 'if-match': '"9"' } });
    expect(answer.status).toBe(400);
  });

  test('strict mode asks nothing of what changes no existing task', async () => {
    const { call, root } = open({ requireIfMatch: true });
    const { status, headers, body } = await call<Task>('POST', root, { body: { title: 'a' } });
    expect({ status, etag: headers.etag }).toEqual({ status: 201, etag: '"1"' });
    expect((await call('GET', body.url)).status).toBe(200);
    expect((await call('GET', root)).status).toBe(200);
    expect(await call('GET', body.url, { headers: { 'if-none-match': '*' } })).toEqual(notModified('"1"'));
  });
});

forEachDatabase('The deletion of a list with If-Match', (open) => {
  async function withTasks(options = {}) {
    const app = open(options);
    await app.create({ completed: true });
    await app.create();
    const tagOf = async (query: string) => (await app.call('GET', app.root + query)).headers.etag as string;
    const remove = (query: string, headers: Record<string, string>) =>
      app.call('DELETE', app.root + query, { headers });
    return { ...app, tagOf, remove };
  }

  test('is made while the list is as its tag says', async () => {
    const { tagOf, remove, call, root, stored } = await withTasks();
    expect(await remove('?completed=true', { 'if-match': await tagOf('?completed=true') })).toEqual(noContent());
    expect((await call<Task[]>('GET', root)).body).toHaveLength(1);
    expect(await remove('', { 'if-match': `"0", ${await tagOf('')}` })).toEqual(noContent());
    expect(await remove('', { 'if-match': await tagOf('') })).toEqual(noContent());
    expect(await remove('', { 'if-match': '*' })).toEqual(noContent());
    expect((await stored()).revision).toBe(4);
  });

  test('is made to the tag of a list with a count as well', async () => {
    const { remove, call, root } = await withTasks();
    const list = (prefer: string) => call('GET', root, { headers: { prefer } });
    const { etag = '' } = (await list('count=exact')).headers;
    expect(etag).not.toBe((await list('')).headers.etag as string);
    expect(await remove('?completed=true', { 'if-match': etag })).toMatchObject({ status: 412 });
    expect(await remove('', { 'if-match': etag })).toEqual(noContent());
    expect((await call('GET', root)).body).toEqual([]);
  });

  test('is not made once any task of the user has changed, and the answer has the tag that would do', async () => {
    const { tagOf, remove, create, root, stored } = await withTasks();
    for (const query of ['', '?completed=true', '?tag=nothing']) {
      const stale = await tagOf(query);
      await create();
      const before = await stored();
      const current = await tagOf(query);
      expect(await remove(query, { 'if-match': stale })).toEqual(preconditionFailed(root, current));
      expect(await stored()).toEqual(before);
      expect(await remove(query, { 'if-match': current })).toEqual(noContent());
    }
  });

  test('is not made to a weak tag, that of another list, that of a task, or one that cannot be read', async () => {
    const { tagOf, remove, root, stored } = await withTasks();
    const before = await stored();
    const current = await tagOf('');
    for (const tag of [`W/${current}`, await tagOf('?completed=true'), '"2"', '"2."', '"2.x"', `"2${current.slice(1)}`])
      expect(await remove('', { 'if-match': tag })).toEqual(preconditionFailed(root, current, tag));
    for (const field of ['2', '', `${current} ${current}`, `*, ${current}`])
      expect(await remove('', { 'if-match': field })).toEqual(malformed(root, 'If-Match'));
    for (const tag of ['*', current, `W/${current}`])
      expect(await remove('', { 'if-none-match': tag })).toEqual(preconditionFailed(root, current));
    expect(await stored()).toEqual(before);
    expect(await remove('', { 'if-none-match': await tagOf('?completed=true') })).toEqual(noContent());
  });

  test('is what strict mode wants', async () => {
    const { remove, root, stored } = await withTasks({ requireIfMatch: true });
    const before = await stored();
    expect(await remove('', {})).toEqual(preconditionRequired(root));
    expect(await stored()).toEqual(before);
    expect(await remove('', { 'if-match': '*' })).toEqual(noContent());
  });
});

onOneDatabase('A change with If-Match', (open) => {
  for (const write of WRITES) {
    test(`is not made by ${write.name} where the field cannot be read, as if it were not there`, async () => {
      const app = open();
      const task = await prepare(app, write);
      const before = await app.stored();
      for (const field of MALFORMED) {
        const headers = { 'if-match': field.replaceAll('@', `"${task.revision}"`) };
        const answer = await send({ ...app, call: app.refuse }, write, task, headers);
        expect({ field, answer }).toEqual({ field, answer: malformed(pathOf(task, write), 'If-Match') });
      }
      expect(await app.stored()).toEqual(before);
    });
  }
});
