/** A front end on a client that @hey-api/openapi-ts makes of the document, in the folder `client`. */
import { client } from './client/client.gen.ts';
import {
  completeTask,
  createTask,
  deleteTask,
  getTask,
  listTasks,
  type Problem,
  replaceTask,
  type Task,
  updateTask,
} from './client/index.ts';

client.setConfig({ baseUrl: process.env.ORIGIN ?? '' });
const user_id = 'hey-api';

const created = await createTask({
  path: { user_id },
  headers: { 'Idempotency-Key': 'first' },
  body: { title: '2026-12-01', tags: ['home'] },
});
if (created.error) throw new Error(created.error.detail);
const task: Task = created.data;
const path = { user_id, id: task.id };

// Read, edit, send back.
const read = await getTask({ path });
if (read.error) throw new Error(read.error.detail);
const replaced = await replaceTask({
  path,
  headers: { 'If-Match': read.response?.headers.get('etag') ?? '' },
  body: { ...read.data, title: 'Buy milk', due_at: '2026-12-01T09:30:00Z' },
});

const patched = await updateTask({ path, body: { priority: 'high', due_at: null } });
const completed = await completeTask({ path });
const list = await listTasks({ path: { user_id }, query: { tag: ['home'], completed: true, limit: 1 } });
const first: Task | undefined = list.data?.[0];

const stale = await replaceTask({ path, headers: { 'If-Match': '"1"' }, body: { title: 'x' } });

// @ts-expect-error a title is a string
const refused = await createTask({ path: { user_id }, body: { title: 5 } });
// A problem is known by its type.
const pointers =
  refused.error?.type === 'urn:problem-type:todo-api:invalid-input' ? refused.error.errors.map((e) => e.pointer) : [];
// @ts-expect-error only one kind of problem has a list of violations
const some = stale.error?.errors;

const removed = await deleteTask({ path });
const missing = await getTask({ path });
const problem: Problem | undefined = missing.error;

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
    removed: removed.response?.status,
    missing: problem?.type,
  }),
);
