import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase } from '../../support/databases.ts';
import { listTag } from '../../support/expected.ts';
import { linksOf } from '../../support/links.ts';

forEachDatabase('The ETag', (open) => {
  test('of a task is its revision, on every answer that shows the task', async () => {
    const { call, root } = open();
    const created = await call<Task>('POST', root, { body: { title: 'a' } });
    const { url } = created.body;
    const answers = [
      created,
      await call<Task>('GET', url),
      await call<Task>('PUT', url, { body: { title: 'b' } }),
      await call<Task>('PATCH', url, { body: { title: 'c' } }),
      await call<Task>('PATCH', url, { body: { title: 'c' } }),
      await call<Task>('PATCH', `${url}/complete`),
      await call<Task>('POST', `${url}/restore`),
    ];
    expect(answers.map(({ headers }) => headers.etag)).toEqual(['"1"', '"1"', '"2"', '"3"', '"3"', '"4"', '"4"']);
    expect(answers.map(({ body }) => `"${body.revision}"`)).toEqual(answers.map(({ headers }) => `${headers.etag}`));
    expect((await call('HEAD', url)).headers.etag).toBe('"4"');
  });

  test('of a task is another one after it was in the bin', async () => {
    const { call, create } = open();
    const { url } = await create();
    await call('DELETE', url);
    await call('POST', `${url}/restore`);
    expect((await call('GET', url)).headers.etag).toBe('"3"');
  });

  test('of a list is another one after any change to any task of the user, and the same as long as there is none', async () => {
    const { call, root, create } = open();
    const seen: (string | undefined)[] = [];
    const look = async () => {
      const { headers } = await call('GET', root);
      expect((await call('GET', root)).headers.etag).toBe(headers.etag as string);
      expect((await call('HEAD', root)).headers.etag).toBe(headers.etag as string);
      seen.push(headers.etag);
    };
    await look();
    const { url } = await create();
    await look();
    await call('PUT', url, { body: { title: 'b' } });
    await look();
    await call('PATCH', url, { body: { title: 'c' } });
    await look();
    await call('PATCH', `${url}/complete`);
    await look();
    await call('DELETE', url);
    await look();
    await call('POST', `${url}/restore`);
    await look();
    await call('DELETE', root);
    await look();
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(listTag));
  });

  test('of a list stays when a request changes nothing', async () => {
    const { call, root, user, create } = open();
    const { url, title } = await create();
    const { headers } = await call('GET', root);
    await call('PATCH', url, { body: { title } });
    await call('PATCH', `${url}/complete`, { body: { completed: false } });
    await call('POST', `${url}/restore`);
    await call('DELETE', `${root}?completed=true`);
    await call('PATCH', url, { body: { title: '' } });
    await call('PATCH', url, { body: { title: 'b' }, headers: { 'if-match': '"9"' } });
    await call('POST', `/api/${user}-other/tasks`, { body: { title: 'b' } });
    expect((await call('GET', root)).headers.etag).toBe(headers.etag as string);
  });

  test('of one list is not that of another', async () => {
    const { call, root, create } = open();
    await create();
    await create();
    const { next = '' } = linksOf((await call('GET', `${root}?limit=1`)).headers);
    const addresses = [
      root,
      next,
      ...[
        'limit=1',
        'limit=2',
        'sort=title',
        'completed=true',
        'q=a',
        'q=A',
        'tag=a',
        'tag=a&tag=b',
        'deleted=true',
      ].map((query) => `${root}?${query}`),
    ];
    const tags = await Promise.all(addresses.map(async (address) => (await call('GET', address)).headers.etag));
    expect(tags).toEqual(addresses.map(() => listTag(2)));
    expect(new Set(tags).size).toBe(addresses.length);
  });
});
