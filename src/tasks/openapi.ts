/** What each operation answers, and what the OpenAPI document says of it. */
import { type HeaderName, operation } from '../http/openapi.ts';
import { DEFAULTS } from './fields.ts';
import { Facets, Task, TaskList } from './schema.ts';

const example: Task = {
  id: '01980a3e-7c00-7000-8000-000000000000',
  user_id: 'ada',
  ...DEFAULTS,
  title: 'Buy milk',
  tags: ['errand'],
  due_date: '2026-12-01',
  completed_at: null,
  created_at: '2026-11-21T09:30:00.000Z',
  updated_at: '2026-11-21T09:30:00.000Z',
  deleted_at: null,
  revision: 42,
  url: 'http://127.0.0.1:3000/api/ada/tasks/01980a3e-7c00-7000-8000-000000000000',
};

const tags = ['tasks'];
const task = { schema: Task, name: 'Task', example } as const;

const READ = [400, 404, 429] as const;
const CHANGE = [400, 404, 408, 412, 415, 428, 429] as const;

const changed = (...more: HeaderName[]) =>
  ({
    status: 200,
    description: 'The task as it is now.',
    ...task,
    headers: ['ETag', ...more],
  }) as const;

export const createTask = operation({
  tags,
  operationId: 'createTask',
  summary: 'Create a task',
  headers: ['Idempotency-Key'],
  request: { name: 'NewTask', example: { title: 'Buy milk', tags: ['errand'], due_date: '2026-12-01' } },
  success: {
    status: 201,
    description: 'The new task.',
    ...task,
    headers: ['Location', 'ETag', 'Idempotency-Replayed'],
  },
  problems: [400, 408, 415, 422, 429],
});

export const listTasks = operation({
  tags,
  operationId: 'listTasks',
  summary: 'List tasks, newest first',
  description: 'Follow the Link with rel="next" for more; each page begins exactly where the one before ended.',
  headers: ['If-None-Match', 'Prefer'],
  success: {
    status: 200,
    description: 'The tasks.',
    schema: TaskList,
    name: 'TaskList',
    example: [example],
    headers: ['ETag', 'Link', 'X-Total-Count', 'Preference-Applied'],
  },
  problems: [400, 429],
  cacheable: true,
});

export const deleteTasks = operation({
  tags,
  operationId: 'deleteTasks',
  summary: 'Delete every task that the filters match; each can be restored',
  headers: ['If-Match'],
  success: { status: 204, description: 'They are in the bin.', headers: ['X-Total-Count'] },
  problems: [400, 412, 428, 429],
});

export const getFacets = operation({
  tags,
  operationId: 'getFacets',
  summary: 'Count the tasks, by project and by tag',
  headers: ['If-None-Match'],
  success: {
    status: 200,
    description: 'The counts.',
    schema: Facets,
    name: 'Facets',
    example: {
      open: 12,
      completed: 30,
      deleted: 2,
      projects: [{ name: 'Home', open: 7, completed: 21 }],
      tags: [{ name: 'errand', open: 3, completed: 5 }],
    },
    headers: ['ETag'],
  },
  problems: [400, 429],
  cacheable: true,
});

export const getTask = operation({
  tags,
  operationId: 'getTask',
  summary: 'Read a task',
  headers: ['If-None-Match'],
  success: { status: 200, description: 'The task.', ...task, headers: ['ETag'] },
  problems: READ,
  cacheable: true,
});

export const replaceTask = operation({
  tags,
  operationId: 'replaceTask',
  summary: 'Replace a task: what is left out takes its default',
  headers: ['If-Match'],
  request: {
    name: 'TaskReplacement',
    example: { title: 'Buy oat milk', priority: 'high', due_at: '2026-12-01T09:30:00Z' },
  },
  success: changed(),
  problems: CHANGE,
});

export const updateTask = operation({
  tags,
  operationId: 'updateTask',
  summary: 'Change some fields of a task',
  description: 'A JSON merge patch (RFC 7396). A patch that changes nothing keeps the revision.',
  headers: ['If-Match', 'Idempotency-Key'],
  request: { name: 'TaskPatch', example: { priority: 'high', due_date: null } },
  success: changed('Idempotency-Replayed'),
  problems: [...CHANGE, 422],
});

export const deleteTask = operation({
  tags,
  operationId: 'deleteTask',
  summary: 'Delete a task; it can be restored',
  headers: ['If-Match'],
  success: { status: 204, description: 'It is in the bin.' },
  problems: [...READ, 412, 428],
});

export const completeTask = operation({
  tags,
  operationId: 'completeTask',
  summary: 'Complete a task, reopen it, or toggle',
  description: 'Without a body the state is toggled; with `completed` it is set.',
  headers: ['If-Match', 'Idempotency-Key'],
  request: { name: 'Completion', example: { completed: true }, optional: true },
  success: changed('Idempotency-Replayed'),
  problems: [...CHANGE, 422],
});

export const restoreTask = operation({
  tags,
  operationId: 'restoreTask',
  summary: 'Undo the deletion of a task; one that is not deleted stays as it is',
  headers: ['If-Match', 'Idempotency-Key'],
  success: changed('Idempotency-Replayed'),
  problems: [...READ, 412, 422, 428],
});
