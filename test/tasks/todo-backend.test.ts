/** The public contract of Todo-Backend (https://todobackend.com), as its browser client checks it. */
import { expect, test } from 'bun:test';
import { databases } from '../support/databases.ts';
import { serve } from '../support/server.ts';

const ORIGIN = 'https://todobackend.com';

interface Todo {
  title: string;
  completed: boolean;
  order: number;
  url: string;
}

/** `fetch` as a page of another origin has it: it asks before it sends, and reads only what it may. */
async function fetchAcrossOrigins<Body>(method: string, url: string, body?: object): Promise<Body> {
  // The client sets the content type on every request; that makes each of them need a preflight.
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin: ORIGIN,
      'access-control-request-method': method,
      'access-control-request-headers': 'content-type',
    },
  });
  expect(preflight.ok).toBe(true);
  expect(['*', ORIGIN]).toContain(preflight.headers.get('access-control-allow-origin') as string);
  expect(preflight.headers.get('access-control-allow-methods')?.split(', ')).toContain(method);
  expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type');

  const response = await fetch(url, {
    method,
    headers: { origin: ORIGIN, 'content-type': 'application/json', accept: 'text/plain, */*; q=0.01' },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok, `${method} ${url}: ${response.status}`).toBe(true);
  expect(['*', ORIGIN]).toContain(response.headers.get('access-control-allow-origin') as string);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as Body;
}

const get = <Body>(url: string) => fetchAcrossOrigins<Body>('GET', url);
const post = (url: string, todo: object) => fetchAcrossOrigins<Todo>('POST', url, todo);
const patch = (url: string, change: object) => fetchAcrossOrigins<Todo>('PATCH', url, change);
const remove = (url: string) => fetchAcrossOrigins<undefined>('DELETE', url);

for (const database of databases) {
  const guarantee = (name: string, check: (root: string) => Promise<void>) =>
    test(`Todo-Backend on ${database.name}: ${name}`, async () => {
      await using server = serve({ corsOrigins: '*' }, database);
      await check(server.origin + server.root);
    });

  guarantee('the root responds to a GET', async (root) => {
    expect(await get<Todo[]>(root)).toEqual([]);
  });

  guarantee('the root responds to a POST with the todo that was posted to it', async (root) => {
    expect(await post(root, { title: 'a todo' })).toMatchObject({ title: 'a todo' });
  });

  guarantee('after a DELETE the root responds to a GET with an empty array', async (root) => {
    await post(root, { title: 'a todo' });
    expect(await remove(root)).toBeUndefined();
    expect(await get<Todo[]>(root)).toEqual([]);
  });

  guarantee('a new todo is in the list of todos', async (root) => {
    await post(root, { title: 'walk the dog' });
    expect(await get<Todo[]>(root)).toMatchObject([{ title: 'walk the dog' }]);
  });

  guarantee('a new todo is not completed, and has a url', async (root) => {
    const created = await post(root, { title: 'blah' });
    expect(created.completed).toBe(false);
    expect(created.url).toBeString();
    const [listed] = await get<Todo[]>(root);
    expect(listed).toEqual(created);
  });

  guarantee('the url of a todo returns it', async (root) => {
    const created = await post(root, { title: 'my todo' });
    expect(await get<Todo>(created.url)).toEqual(created);
  });

  guarantee('one can navigate from the list to each todo', async (root) => {
    await post(root, { title: 'todo the first' });
    await post(root, { title: 'todo the second' });
    const todos = await get<Todo[]>(root);
    expect(todos).toHaveLength(2);
    for (const todo of todos) expect(await get<Todo>(todo.url)).toEqual(todo);
  });

  guarantee('title and completed can be changed by PATCH, and the change stays', async (root) => {
    const { url } = await post(root, { title: 'initial title' });
    expect(await patch(url, { title: 'bathe the cat' })).toMatchObject({ title: 'bathe the cat' });
    expect(await patch(url, { completed: true })).toMatchObject({ completed: true });
    const changed = { title: 'bathe the cat', completed: true };
    expect(await get<Todo>(url)).toMatchObject(changed);
    expect(await get<Todo[]>(root)).toMatchObject([changed]);
  });

  guarantee('a todo can be deleted at its url', async (root) => {
    const { url } = await post(root, { title: 'a todo' });
    expect(await remove(url)).toBeUndefined();
    expect(await get<Todo[]>(root)).toEqual([]);
  });

  guarantee('a todo can be created with an order, which PATCH changes and which stays', async (root) => {
    const { url, order } = await post(root, { title: 'blah', order: 523 });
    expect(order).toBe(523);
    expect(await patch(url, { order: 95 })).toMatchObject({ order: 95 });
    expect(await get<Todo>(url)).toMatchObject({ order: 95 });
  });
}
