/** A front end on Eden, with the type of the app from the package. */
import { treaty } from '@elysiajs/eden';
import type { App } from 'todo-api';

// Without parseDate: false Eden makes a Date of a title that looks like one.
const client = treaty<App>(process.env.ORIGIN ?? '', { parseDate: false });
const tasks = client.api({ user_id: 'eden' }).tasks;

const created = await tasks.post({ title: '2026-12-01', tags: ['home'] }, { headers: { 'idempotency-key': 'first' } });
if (created.error) throw new Error(created.error.value.detail);
const { id } = created.data;
const task = tasks({ id });

// Read, edit, send back.
const read = await task.get();
// A 304 is an error here as well, without a value.
if (read.error) throw new Error(`The read answered ${read.error.status}`);
const replaced = await task.put(
  { ...read.data, title: 'Buy milk', due_at: '2026-12-01T09:30:00Z' },
  { headers: { 'if-match': new Headers(read.headers).get('etag') ?? '' } },
);

const patched = await task.patch({ priority: 'high', due_at: null });
const completed = await task.complete.patch({});
const list = await tasks.get({ query: { tag: ['home'], completed: 'true', limit: '1' } });
const first = list.data?.[0];

const stale = await task.put({ title: 'x' }, { headers: { 'if-match': '"1"' } });
if (stale.error?.status !== 412) throw new Error('It is not stale.');

// @ts-expect-error a title is a string
const refused = await tasks.post({ title: 5 });
// A problem is known by its status. (Its type depends on PUBLIC_URL, which the type of the app cannot know.)
const pointers =
  refused.error?.status === 400 && 'errors' in refused.error.value
    ? refused.error.value.errors.map((e) => e.pointer)
    : [];
// @ts-expect-error only one kind of problem has a list of violations
const some = stale.error.value.errors;

// @ts-expect-error there is no such path
client.api({ user_id: 'eden' }).nothing satisfies object;

const removed = await task.delete();
const missing = await task.get();
const missingType = missing.error?.status === 404 ? missing.error.value.type : undefined;
missingType satisfies 'urn:problem-type:todo-api:task-not-found' | `${string}/problems/task-not-found` | undefined;

console.log(
  JSON.stringify({
    title: created.data.title,
    replaced: replaced.data?.title,
    patched: [patched.data?.priority, patched.data?.due_at],
    completed: completed.data?.completed,
    listed: first?.id === id,
    stale: stale.error.value.type,
    pointers,
    some: some === undefined,
    removed: removed.status,
    missing: missingType,
  }),
);
