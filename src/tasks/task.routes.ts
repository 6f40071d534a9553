/** The paths of tasks: schemas, status codes and headers; what is behind them is the service's. */
import { Elysia, type HTTPHeaders } from 'elysia';
import { JSON_TYPES, PATCH_TYPES, readJson } from '../http/json-body.ts';
import { parseQuery } from '../http/query.ts';
import * as docs from './task.openapi.ts';
import {
  Completion,
  DeleteQuery,
  ListQuery,
  NewTask,
  type Task,
  TaskPatch,
  TaskPath,
  TaskReplacement,
  UserPath,
} from './task.schema.ts';
import type { StoredTask, TaskFilter, TaskService } from './task.service.ts';

export interface TaskRoutesOptions {
  service: TaskService;
  /** Where clients reach this service, without a slash at the end; by default as the request says. */
  publicUrl?: string | undefined;
  maxBodyBytes: number;
}

const DEFAULT_LIMIT = 50;

/** Handlers take their context apart in the signature: Elysia reads from it what a request has to be prepared for. */
export function taskRoutes({ service, publicUrl, maxBodyBytes }: TaskRoutesOptions) {
  /** The address of a user's tasks, with a slash at the end. */
  const addressOf = (request: Request, user_id: string) =>
    `${publicUrl ?? originOf(request.url)}/api/${encodeURIComponent(user_id)}/tasks/`;

  const represent = (task: StoredTask, request: Request, set: { headers: HTTPHeaders }): Task => {
    set.headers.etag = `"${task.revision}"`;
    return { ...task, url: addressOf(request, task.user_id) + task.id };
  };

  return new Elysia({ name: 'tasks', prefix: '/api/:user_id/tasks' })
    .parser('taskJson', ({ request }) => readJson(request, JSON_TYPES, maxBodyBytes))
    .parser('taskPatch', ({ request }) => readJson(request, PATCH_TYPES, maxBodyBytes))
    .parser('taskPatchOrNothing', async ({ request }) => (await readJson(request, PATCH_TYPES, maxBodyBytes)) ?? {})
    .post(
      '/',
      async ({ params, body, request, set }) => {
        const task = represent(await service.createTask(params.user_id, body), request, set);
        set.status = 201;
        set.headers.location = task.url;
        return task;
      },
      { parse: 'taskJson', params: UserPath, body: NewTask, detail: docs.createTask },
    )
    .get(
      '/',
      async ({ params, query, request }) => {
        const found = await service.listTasks(params.user_id, filterOf(query), Number(query.limit ?? DEFAULT_LIMIT));
        const address = addressOf(request, params.user_id);
        return found.map((task): Task => ({ ...task, url: address + task.id }));
      },
      { transform: readQuery, params: UserPath, query: ListQuery, detail: docs.listTasks },
    )
    .delete(
      '/',
      async ({ params, query, set }) => {
        await service.deleteTasks(params.user_id, filterOf(query));
        set.status = 204;
      },
      { transform: readQuery, params: UserPath, query: DeleteQuery, detail: docs.deleteTasks },
    )
    .get(
      '/:id',
      async ({ params, request, set }) => represent(await service.getTask(params.user_id, params.id), request, set),
      { params: TaskPath, detail: docs.getTask },
    )
    .put(
      '/:id',
      async ({ params, body, request, set }) => represent(await service.replaceTask(params, body), request, set),
      { parse: 'taskJson', params: TaskPath, body: TaskReplacement, detail: docs.replaceTask },
    )
    .patch(
      '/:id',
      async ({ params, body, request, set }) => represent(await service.updateTask(params, body), request, set),
      { parse: 'taskPatch', params: TaskPath, body: TaskPatch, detail: docs.updateTask },
    )
    .delete(
      '/:id',
      async ({ params, set }) => {
        await service.deleteTask(params);
        set.status = 204;
      },
      { params: TaskPath, detail: docs.deleteTask },
    )
    .patch(
      '/:id/complete',
      async ({ params, body, request, set }) =>
        represent(await service.completeTask(params, body.completed), request, set),
      { parse: 'taskPatchOrNothing', params: TaskPath, body: Completion, detail: docs.completeTask },
    )
    .post(
      '/:id/restore',
      async ({ params, request, set }) => represent(await service.restoreTask(params), request, set),
      { params: TaskPath, detail: docs.restoreTask },
    );
}

/** Replaces what Elysia makes of the query, where of a repeated parameter the last one wins. */
function readQuery(context: { request: Request; query: unknown }): void {
  context.query = parseQuery(context.request.url);
}

function filterOf(query: { completed?: 'true' | 'false' }): TaskFilter {
  return { completed: query.completed && query.completed === 'true' };
}

function originOf(url: string): string {
  return url.slice(0, url.indexOf('/', url.indexOf('//') + 2));
}
