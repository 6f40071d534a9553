/** What the OpenAPI document says of each operation beyond its schemas. */

import { responses } from '../http/openapi.ts';
import type { ProblemName } from '../http/problem.ts';
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
const READ: ProblemName[] = ['invalid-input', 'task-not-found'];
const WRITE: ProblemName[] = [...READ, 'content-too-large', 'unsupported-media-type'];

const oneTask = (description: string) =>
  ({ status: 200, description, schema, example, headers: ['ETag', 'Cache-Control'] }) as const;

export const createTask = {
  tags,
  operationId: 'createTask',
  summary: 'Create a task',
  responses: responses(
    { status: 201, description: 'The new task.', schema, example, headers: ['Location', 'ETag', 'Cache-Control'] },
    ['invalid-input', 'content-too-large', 'unsupported-media-type'],
  ),
};

export const listTasks = {
  tags,
  operationId: 'listTasks',
  summary: 'List tasks, newest first',
  responses: responses(
    {
      status: 200,
      description: 'The tasks.',
      schema: { $ref: '#/components/schemas/TaskList' },
      example: [example],
      headers: ['Cache-Control'],
    },
    ['invalid-input'],
  ),
};

export const deleteTasks = {
  tags,
  operationId: 'deleteTasks',
  summary: 'Delete every task that the filters match',
  responses: responses({ status: 204, description: 'They are in the bin.' }, ['invalid-input']),
};

export const getTask = {
  tags,
  operationId: 'getTask',
  summary: 'Read a task',
  responses: responses(oneTask('The task.'), READ),
};

export const replaceTask = {
  tags,
  operationId: 'replaceTask',
  summary: 'Replace a task: what is left out takes its default',
  responses: responses(oneTask('The task as it is now.'), WRITE),
};

export const updateTask = {
  tags,
  operationId: 'updateTask',
  summary: 'Change some fields of a task',
  description: 'A JSON merge patch (RFC 7396). A patch that changes nothing keeps the revision.',
  responses: responses(oneTask('The task as it is now.'), WRITE),
};

export const deleteTask = {
  tags,
  operationId: 'deleteTask',
  summary: 'Delete a task; it can be restored',
  responses: responses({ status: 204, description: 'It is in the bin.' }, READ),
};

export const completeTask = {
  tags,
  operationId: 'completeTask',
  summary: 'Complete a task, reopen it, or toggle',
  description: 'Without a body the state is toggled; with `completed` it is set.',
  responses: responses(oneTask('The task as it is now.'), WRITE),
};

export const restoreTask = {
  tags,
  operationId: 'restoreTask',
  summary: 'Undo the deletion of a task',
  responses: responses(oneTask('The task as it is now.'), READ),
};
