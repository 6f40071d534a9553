/** The paths of tasks: schemas, status codes and headers; what is behind them is the service's. */
import { Elysia, type HTTPHeaders } from 'elysia';
import type { StoredTask } from '../db/schema.ts';
import { RevisionMismatch } from '../errors.ts';
import { entityTag, isKnown, knownRevisions, listTags, preconditionOf } from '../http/conditional.ts';
import { idempotencyOf } from '../http/idempotency.ts';
import { jsonAnswer } from '../http/json-answer.ts';
import { type BodyOptions, JSON_TYPES, PATCH_TYPES, readJson } from '../http/json-body.ts';
import { prefersCount } from '../http/preferences.ts';
import { Problem, preconditionFailed } from '../http/problem.ts';
import { checked } from '../http/validation.ts';
import type { TaskFilter } from './task.list.ts';
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
import type { TaskService, TaskTarget, Written } from './task.service.ts';

export interface TaskRoutesOptions extends BodyOptions {
  service: TaskService;
  /** Where clients reach this service, without a slash at the end; by default as the request says. */
  publicUrl?: string | undefined;
  requireIfMatch: boolean;
}

const DEFAULT_LIMIT = 50;

/** Handlers take their context apart in the signature: Elysia reads from it what a request has to be prepared for. */
export function taskRoutes({ service, publicUrl, requireIfMatch, ...bodies }: TaskRoutesOptions) {
  /** The address of a user's tasks, with a slash at the end. */
  const addressOf = (request: Request, user_id: string) =>
    `${publicUrl ?? originOf(request.url)}/api/${encodeURIComponent(user_id)}/tasks/`;

  const represent = (task: StoredTask, request: Request, headers: HTTPHeaders): Task => {
    headers.etag = entityTag(task.revision);
    return { ...task, url: addressOf(request, task.user_id) + task.id };
  };

  const representWritten = ({ task, replayed }: Written, request: Request, headers: HTTPHeaders): Task => {
    if (replayed) headers['idempotency-replayed'] = 'true';
    return represent(task, request, headers);
  };

  /** In strict mode a change must say which revision it is made to. */
  const conditionOf: typeof preconditionOf = (request, revisionOf) => {
    if (requireIfMatch && !request.headers.has('if-match'))
      throw new Problem('precondition-required', 'Send If-Match with the ETag of what is to be changed.');
    return preconditionOf(request, revisionOf);
  };

  /** Which task, in which revision. Most requests have no precondition and pay for none. */
  const targetOf = (params: { user_id: string; id: string }, request: Request): TaskTarget => ({
    ...params,
    ...conditionOf(request),
  });

  const readTask = (request: Request) => readJson(request, JSON_TYPES, bodies);
  const readPatch = (request: Request) => readJson(request, PATCH_TYPES, bodies);
  const readPatchOrNothing = (request: Request) => readJson(request, PATCH_TYPES, bodies, {});

  return new Elysia({ name: 'tasks', prefix: '/api/:user_id/tasks' })
    .post(
      '/',
      async ({ params, body, request, set }) => {
        const created = await service.createTask(params.user_id, body, idempotencyOf(request, 'createTask', '', body));
        const task = representWritten(created, request, set.headers);
        set.status = 201;
        set.headers.location = task.url;
        return task;
      },
      { ...checked({ params: UserPath, body: NewTask }, readTask), detail: docs.createTask },
    )
    .get(
      '/',
      async ({ params, query, request, set }) => {
        const tags = listTags(query);
        const known = knownRevisions(request, tags.revisionOf);
        const counted = prefersCount(request);
        const page = await service.listTasks(params.user_id, {
          filter: { ...filterOf(query), deleted: query.deleted === 'true' || undefined },
          sort: query.sort ?? '-created_at',
          limit: Number(query.limit ?? DEFAULT_LIMIT),
          cursor: query.cursor,
          counted,
          known: known === '*' ? undefined : known,
        });
        set.headers.etag = tags.of(page.revision);
        if (isKnown(page.revision, known)) {
          set.status = 304;
          return;
        }
        if (page.total !== undefined) {
          set.headers['x-total-count'] = String(page.total);
          set.headers['preference-applied'] = 'count=exact';
        }
        const address = addressOf(request, params.user_id);
        set.headers.link = linksOf(address, request.url, page.next);
        return jsonAnswer(page.tasks.map((task): Task => ({ ...task, url: address + task.id })));
      },
      { ...checked({ params: UserPath, query: ListQuery }), detail: docs.listTasks },
    )
    .delete(
      '/',
      async ({ params, query, request, set }) => {
        const tags = listTags(query);
        try {
          await service.deleteTasks(params.user_id, filterOf(query), conditionOf(request, tags.revisionOf));
        } catch (error) {
          throw error instanceof RevisionMismatch ? preconditionFailed(error.message, tags.of(error.current)) : error;
        }
        set.status = 204;
      },
      { ...checked({ params: UserPath, query: DeleteQuery }), detail: docs.deleteTasks },
    )
    .get(
      '/:id',
      async ({ params, request, set }) => {
        const task = await service.getTask(params.user_id, params.id);
        if (!isKnown(task.revision, knownRevisions(request))) return represent(task, request, set.headers);
        set.headers.etag = entityTag(task.revision);
        set.status = 304;
      },
      { ...checked({ params: TaskPath }), detail: docs.getTask },
    )
    .put(
      '/:id',
      async ({ params, body, request, set }) =>
        represent(await service.replaceTask(targetOf(params, request), body), request, set.headers),
      { ...checked({ params: TaskPath, body: TaskReplacement }, readTask), detail: docs.replaceTask },
    )
    .patch(
      '/:id',
      async ({ params, body, request, set }) => {
        const once = idempotencyOf(request, 'updateTask', params.id, body);
        return representWritten(await service.updateTask(targetOf(params, request), body, once), request, set.headers);
      },
      { ...checked({ params: TaskPath, body: TaskPatch }, readPatch), detail: docs.updateTask },
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await service.deleteTask(targetOf(params, request));
        set.status = 204;
      },
      { ...checked({ params: TaskPath }), detail: docs.deleteTask },
    )
    .patch(
      '/:id/complete',
      async ({ params, body, request, set }) => {
        const { completed } = body;
        const once = idempotencyOf(request, 'completeTask', params.id, body);
        const task = await service.completeTask(targetOf(params, request), completed, once);
        return representWritten(task, request, set.headers);
      },
      { ...checked({ params: TaskPath, body: Completion }, readPatchOrNothing), detail: docs.completeTask },
    )
    .post(
      '/:id/restore',
      async ({ params, request, set }) => {
        const once = idempotencyOf(request, 'restoreTask', params.id);
        return representWritten(await service.restoreTask(targetOf(params, request), once), request, set.headers);
      },
      { ...checked({ params: TaskPath }), detail: docs.restoreTask },
    );
}

function filterOf({ completed, priority, tag, q, due_before, due_after }: typeof DeleteQuery.static): TaskFilter {
  return { completed: completed && completed === 'true', priority, tags: tag, q, due_before, due_after };
}

/** `Link` (RFC 8288): the first page, and the next one if there is one. */
function linksOf(address: string, url: string, next: string | undefined): string {
  const start = url.indexOf('?');
  const query = new URLSearchParams(start === -1 ? '' : url.slice(start));
  query.delete('cursor');
  const link = (rel: string) => `<${address.slice(0, -1)}${query.size > 0 ? `?${query}` : ''}>; rel="${rel}"`;
  const first = link('first');
  if (next === undefined) return first;
  query.set('cursor', next);
  return `${link('next')}, ${first}`;
}

function originOf(url: string): string {
  return url.slice(0, url.indexOf('/', url.indexOf('//') + 2));
}
