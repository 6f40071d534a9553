/** What the OpenAPI document says of each operation beyond its schemas. */

import { type HeaderName, responses } from '../http/openapi.ts';
import type { Task } from './task.schema.ts';

const example: Task = {
  id: '01980a3e-7c00-7000-8000-000000000000',
  user_id: 'ada',
  title: 'Buy milk',
  description: null,
  completed: false,
  completed_at: null,
  priority: 'medium',
  tags: ['errand'],
  due_date: '2026-12-01',
  due_at: null,
  order: 0,
  created_at: '2026-11-21T09:30:00.000Z',
  updated_at: '2026-11-21T09:30:00.000Z',
  revision: 42,
  url: 'http://127.0.0.1:3000/api/ada/tasks/01980a3e-7c00-7000-8000-000000000000',
};

const tags = ['tasks'];
const schema = { $ref: '#/components/schemas/Task' };
const task = { schema, example } as const;

const READ = [400, 404] as const;
const CHANGE = [400, 404, 408, 412, 415, 428] as const;

const changed = (...more: HeaderName[]) =>
  ({
    status: 200,
    description: 'The task as it is now.',
    ...task,
    headers: ['ETag', 'Cache-Control', ...more],
  }) as const;

export const createTask = {
  tags,
  operationId: 'createTask',
  summary: 'Create a task',
  headers: ['Idempotency-Key'],
  requestExample: { title: 'Buy milk', tags: ['errand'], due_date: '2026-12-01' },
  responses: responses(
    {
      status: 201,
      description: 'The new task.',
      ...task,
      headers: ['Location', 'ETag', 'Cache-Control', 'Idempotency-Replayed'],
    },
    [400, 408, 415, 422],
  ),
};

export const listTasks = {
  tags,
  operationId: 'listTasks',
  summary: 'List tasks, newest first',
  description: 'Follow the Link with rel="next" for more; each page takes up exactly where the one before ended.',
  headers: ['If-None-Match', 'Prefer'],
  responses: responses(
    {
      status: 200,
      description: 'The tasks.',
      schema: { $ref: '#/components/schemas/TaskList' },
      example: [example],
      headers: ['ETag', 'Link', 'X-Total-Count', 'Preference-Applied', 'Cache-Control'],
    },
    [400],
    true,
  ),
};

export const deleteTasks = {
  tags,
  operationId: 'deleteTasks',
  summary: 'Delete every task that the filters match; each can be restored',
  headers: ['If-Match'],
  responses: responses({ status: 204, description: 'They are in the bin.' }, [400, 412, 428]),
};

export const getTask = {
  tags,
  operationId: 'getTask',
  summary: 'Read a task',
  headers: ['If-None-Match'],
  responses: responses(
    { status: 200, description: 'The task.', ...task, headers: ['ETag', 'Cache-Control'] },
    [...READ],
    true,
  ),
};

export const replaceTask = {
  tags,
  operationId: 'replaceTask',
  summary: 'Replace a task: what is left out takes its default',
  headers: ['If-Match'],
  requestExample: { title: 'Buy oat milk', priority: 'high', due_at: '2026-12-01T09:30:00Z' },
  responses: responses(changed(), [...CHANGE]),
};

export const updateTask = {
  tags,
  operationId: 'updateTask',
  summary: 'Change some fields of a task',
  description: 'A JSON merge patch (RFC 7396). A patch that changes nothing keeps the revision.',
  headers: ['If-Match', 'Idempotency-Key'],
  requestExample: { priority: 'high', due_date: null },
  responses: responses(changed('Idempotency-Replayed'), [...CHANGE, 422]),
};

export const deleteTask = {
  tags,
  operationId: 'deleteTask',
  summary: 'Delete a task; it can be restored',
  headers: ['If-Match'],
  responses: responses({ status: 204, description: 'It is in the bin.' }, [...READ, 412, 428]),
};

export const completeTask = {
  tags,
  operationId: 'completeTask',
  summary: 'Complete a task, reopen it, or toggle',
  description: 'Without a body the state is toggled; with `completed` it is set.',
  headers: ['If-Match', 'Idempotency-Key'],
  requestExample: { completed: true },
  responses: responses(changed('Idempotency-Replayed'), [...CHANGE, 422]),
};

export const restoreTask = {
  tags,
  operationId: 'restoreTask',
  summary: 'Undo the deletion of a task; one that is not deleted stays as it is',
  headers: ['If-Match', 'Idempotency-Key'],
  responses: responses(changed('Idempotency-Replayed'), [...READ, 412, 422, 428]),
};
