/** The main paths of the contract, walked from outside the container by a user of their own. */
import assert from 'node:assert/strict';
import { version } from '../../package.json';
import type { Task } from '../../src/tasks/schema.ts';

interface MainPath {
  guarantee: string;
  /** @param url where the service is. @param tasks the address of a collection that is empty. */
  verify: (url: string, tasks: string) => Promise<void>;
}

export const MAIN_PATHS: readonly MainPath[] = [
  {
    guarantee: 'it says that it is alive and ready',
    verify: async (url) => {
      assert.deepEqual(await answer(`${url}/health/live`), { status: 200, body: { status: 'ok' } });
      assert.deepEqual(await answer(`${url}/health/ready`), { status: 200, body: { status: 'ok' } });
    },
  },
  {
    guarantee: 'a task is created with its defaults, and its address leads to it',
    verify: async (_, tasks) => {
      const created = await send('POST', tasks, { title: ' Buy milk ', tags: ['Shop'], due_date: '2026-12-01' });
      const task = await taskOf(created);
      assert.equal(created.status, 201);
      assert.match(task.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.match(task.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.deepEqual(task, {
        id: task.id,
        user_id: new URL(tasks).pathname.split('/')[2],
        title: 'Buy milk',
        description: null,
        completed: false,
        completed_at: null,
        priority: 'medium',
        tags: ['shop'],
        project: null,
        due_date: '2026-12-01',
        due_at: null,
        start_date: null,
        order: 0,
        metadata: {},
        created_at: task.created_at,
        updated_at: task.created_at,
        deleted_at: null,
        revision: 1,
        url: `${tasks}/${task.id}`,
      });
      assert.equal(created.headers.get('location'), task.url);
      assert.equal(created.headers.get('etag'), '"1"');
      assert.deepEqual(await answer(task.url), { status: 200, body: task });
      const unchanged = await fetch(task.url, { headers: { 'if-none-match': '"1"' } });
      assert.equal(unchanged.status, 304);
    },
  },
  {
    guarantee: 'tasks are listed newest first, page by page',
    verify: async (_, tasks) => {
      const older = await create(tasks, 'older');
      const newer = await create(tasks, 'newer');
      assert.deepEqual(await answer(tasks), { status: 200, body: [newer, older] });
      const page = await fetch(`${tasks}?limit=1`);
      assert.deepEqual(await page.json(), [newer]);
      const next = /<([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1];
      assert.ok(next);
      assert.deepEqual(await answer(next), { status: 200, body: [older] });
    },
  },
  {
    guarantee: 'a task is patched, and a patch of an older state is refused',
    verify: async (_, tasks) => {
      const task = await create(tasks, 'before');
      const patched = await send('PATCH', task.url, { title: 'after' }, { 'if-match': '"1"' });
      const body = await taskOf(patched);
      assert.equal(patched.status, 200);
      assert.deepEqual(body, { ...task, title: 'after', updated_at: body.updated_at, revision: 2 });
      const late = await send('PATCH', task.url, { title: 'lost' }, { 'if-match': '"1"' });
      assert.equal(late.status, 412);
      assert.equal(late.headers.get('etag'), '"2"');
      assert.deepEqual(await answer(task.url), { status: 200, body });
    },
  },
  {
    guarantee: 'a task is completed and reopened',
    verify: async (_, tasks) => {
      const task = await create(tasks, 'to do');
      const done = await taskOf(await send('PATCH', `${task.url}/complete`));
      assert.deepEqual(done, {
        ...task,
        completed: true,
        completed_at: done.updated_at,
        updated_at: done.updated_at,
        revision: 2,
      });
      const open = await taskOf(await send('PATCH', `${task.url}/complete`, { completed: false }));
      assert.deepEqual(open, { ...task, updated_at: open.updated_at, revision: 3 });
    },
  },
  {
    guarantee: 'a task is deleted and restored',
    verify: async (_, tasks) => {
      const task = await create(tasks, 'to keep');
      assert.equal((await send('DELETE', task.url)).status, 204);
      assert.deepEqual(await answer(tasks), { status: 200, body: [] });
      assert.equal((await fetch(task.url)).status, 404);
      const restored = await taskOf(await send('POST', `${task.url}/restore`));
      assert.deepEqual(restored, { ...task, updated_at: restored.updated_at, revision: 3 });
      assert.deepEqual(await answer(tasks), { status: 200, body: [restored] });
    },
  },
  {
    guarantee: 'what is wrong with a request is told as a problem document',
    verify: async (_, tasks) => {
      const instance = new URL(tasks).pathname;
      const headers = { 'x-request-id': 'image-test' };
      const invalid = await send('POST', tasks, { titel: 'Buy milk' }, headers);
      assert.deepEqual(await problemOf(invalid), {
        type: 'urn:problem-type:todo-api:invalid-input',
        title: 'The request is not valid',
        status: 400,
        detail: 'The request has 2 violations; see errors.',
        instance,
        request_id: 'image-test',
        errors: [
          { in: 'body', pointer: '/title', detail: 'is required' },
          { in: 'body', pointer: '/titel', detail: 'unknown field' },
        ],
      });
      const missing = await fetch(`${tasks}/nothing`, { headers });
      assert.deepEqual(await problemOf(missing), {
        type: 'urn:problem-type:todo-api:task-not-found',
        title: 'There is no such task',
        status: 404,
        detail: 'There is no such task.',
        instance: `${instance}/nothing`,
        request_id: 'image-test',
      });
    },
  },
  {
    guarantee: 'the interactive page has all its files here, and the document names this version',
    verify: async (url) => {
      const page = await fetch(`${url}/`);
      assert.equal(page.url, `${url}/swagger`);
      const html = await page.text();
      const files = Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), ([, file]) => file ?? '');
      assert.ok(files.length > 0);
      for (const file of files) {
        assert.match(file, /^swagger\//);
        const { status, headers } = await fetch(new URL(file, page.url));
        assert.deepEqual(
          { file, status, empty: headers.get('content-length') === '0' },
          { file, status: 200, empty: false },
        );
      }
      const { body } = await answer(`${url}/swagger/json`);
      const { openapi, info, paths } = body as { openapi: string; info: { version: string }; paths: object };
      assert.deepEqual([openapi, info.version], ['3.1.0', version]);
      assert.ok('/api/{user_id}/tasks/{id}' in paths);
    },
  },
];

/** Walks all of them with the tasks of users that nobody else has. */
export async function walkMainPaths(url: string): Promise<void> {
  for (const { verify } of MAIN_PATHS) await verify(url, newCollection(url));
}

export function newCollection(url: string): string {
  return `${url}/api/${crypto.randomUUID()}/tasks`;
}

export async function create(tasks: string, title: string): Promise<Task> {
  const response = await send('POST', tasks, { title });
  assert.equal(response.status, 201);
  return taskOf(response);
}

export async function readTask(url: string): Promise<Task> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return taskOf(response);
}

async function taskOf(response: Response): Promise<Task> {
  return (await response.json()) as Task;
}

async function problemOf(response: Response): Promise<unknown> {
  assert.equal(response.headers.get('content-type'), 'application/problem+json');
  return response.json();
}

/** Status and JSON body of what an address holds. */
async function answer(url: string) {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
}

function send(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
  if (body === undefined) return fetch(url, { method, headers });
  return fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}
