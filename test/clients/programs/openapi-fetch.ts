/** A front end on openapi-fetch. `schema.ts` is what openapi-typescript makes of the document. */
import createClient from 'openapi-fetch';
import type { components, paths } from './schema.ts';

type Task = components['schemas']['Task'];

const client = createClient<paths>({ baseUrl: process.env.ORIGIN ?? '' });
const address = '/api/{user_id}/tasks/{id}';
const user_id = 'openapi-fetch';

const created = await client.POST('/api/{user_id}/tasks', {
  params: { path: { user_id }, header: { 'Idempotency-Key': 'first' } },
  body: { title: '2026-12-01', tags: ['home'] },
});
if (created.error) throw new Error(created.error.detail);
const task: Task = created.data;
const path = { user_id, id: task.id };

// Read, edit, send back.
const read = await client.GET(address, { params: { path } });
if (read.error) throw new Error(read.error.detail);
const replaced = await client.PUT(address, {
  params: { path, header: { 'If-Match': read.response.headers.get('etag') ?? '' } },
  body: { ...read.data, title: 'Buy milk', due_at: '2026-12-01T09:30:00Z' },
});

const patched = await client.PATCH(address, { params: { path }, body: { priority: 'high', due_at: null } });
const completed = await client.PATCH('/api/{user_id}/tasks/{id}/complete', { params: { path } });
const list = await client.GET('/api/{user_id}/tasks', {
  params: { path: { user_id }, query: { tag: ['home'], completed: true, limit: 1 } },
});
const first: Task | undefined = list.data?.[0];

const stale = await client.PUT(address, { params: { path, header: { 'If-Match': '"1"' } }, body: { title: 'x' } });

// @ts-expect-error a title is a string
const refused = await client.POST('/api/{user_id}/tasks', { params: { path: { user_id } }, body: { title: 5 } });
// A problem is known by its type.
const pointers =
  refused.error?.type === 'urn:problem-type:todo-api:invalid-input' ? refused.error.errors.map((e) => e.pointer) : [];
// @ts-expect-error only one kind of problem has a list of violations
const some = stale.error?.errors;

// @ts-expect-error there is no such path
await client.GET('/api/{user_id}/nothing', { params: { path: { user_id } } });

const removed = await client.DELETE(address, { params: { path } });
const missing = await client.GET(address, { params: { path } });
if (missing.error?.status === 404) missing.error satisfies components['schemas']['TaskNotFoundProblem'];

console.log(
  JSON.stringify({
    title: task.title,
    replaced: replaced.data?.title,
    patched: [patched.data?.priority, patched.data?.due_at],
    completed: completed.data?.completed,
    listed: first?.id === task.id,
    stale: stale.error?.type,
    pointers,
    some: some === undefined,
    removed: removed.response.status,
    missing: missing.error?.type,
  }),
);
