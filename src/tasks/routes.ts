/** The paths of tasks: schemas, status codes and headers. The rules are the service's. */
import { Elysia, type HTTPHeaders } from 'elysia';
import {
  counted,
  countedOrNot,
  counterAndQuery,
  ifMatchOf,
  ifNoneMatchOf,
  isKnown,
  knownRevisions,
  ownRevision,
  underPrecondition,
} from '../http/conditional.ts';
import { idempotencyOf, keyOf } from '../http/idempotency.ts';
import { jsonAnswer } from '../http/json-answer.ts';
import { type BodyOptions, JSON_TYPES, PATCH_TYPES, readJson } from '../http/json-body.ts';
import type { UserLines } from '../http/lines.ts';
import { prefersCount } from '../http/preferences.ts';
import { checked } from '../http/validation.ts';
import { addVary } from '../http/vary.ts';
import { checkDays } from './due.ts';
import type { StoredTask } from './fields.ts';
import type { Written } from './once.ts';
import * as docs from './openapi.ts';
import { checkCursor, filterOf, type Precondition, selectionOf } from './query.ts';
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
} from './schema.ts';
import * as tasks from './service.ts';

export interface TaskRoutesOptions extends BodyOptions {
  service: tasks.TaskService;
  lines: UserLines;
  /** Where clients reach this service, without a slash at the end; by default as the request says. */
  publicUrl?: string | undefined;
  requireIfMatch: boolean;
}

/** What a write takes in headers, checked with the rest of its request. */
const KEY = [keyOf];
const PRECONDITIONS = [ifMatchOf, ifNoneMatchOf];
const PRECONDITIONS_AND_KEY = [...PRECONDITIONS, ...KEY];

/** Handlers take their context apart in the signature: Elysia reads there what a request has to be prepared for. */
export function taskRoutes({ service, lines, publicUrl, requireIfMatch, ...bodies }: TaskRoutesOptions) {
  /** The address of a user's tasks, with a slash at the end. */
  const addressOf = (request: Request, user_id: string) =>
    `${publicUrl ?? originOf(request.url)}/api/${encodeURIComponent(user_id)}/tasks/`;

  const represent = (task: StoredTask, request: Request, headers: HTTPHeaders): Task => {
    headers.etag = ownRevision.tagOf(task.revision);
    return { ...task, url: addressOf(request, task.user_id) + task.id };
  };

  const representWritten = ({ task, replayed }: Written, request: Request, headers: HTTPHeaders): Task => {
    if (replayed) headers['idempotency-replayed'] = 'true';
    return represent(task, request, headers);
  };

  /** Writes one task under the preconditions of the request. */
  const writeTask = <T>(params: TaskPath, request: Request, write: (target: tasks.TaskTarget) => Promise<T>) =>
    underPrecondition(request, ownRevision, requireIfMatch, (precondition: Precondition) =>
      writes.inTurn(params.user_id, request, () => write({ ...params, ...precondition })),
    );

  const readTask = (context: Parameters<typeof readJson>[0]) => readJson(context, JSON_TYPES, bodies);
  const readPatch = (context: Parameters<typeof readJson>[0]) => readJson(context, PATCH_TYPES, bodies);
  const readPatchOrNothing = (context: Parameters<typeof readJson>[0]) => readJson(context, PATCH_TYPES, bodies, {});
  const { admission } = bodies;
  const { writes, lists, reads } = lines;

  return new Elysia({ name: 'tasks', prefix: '/api/:user_id/tasks' })
    .post(
      '/',
      async ({ params, body, request, set }) => {
        const key = idempotencyOf(request, 'createTask', '', body);
        const { user_id } = params;
        const created = await writes.inTurn(user_id, request, () => tasks.createTask(service, user_id, body, key));
        const task = representWritten(created, request, set.headers);
        set.status = 201;
        set.headers.location = task.url;
        return task;
      },
      {
        ...checked(admission, { params: UserPath, body: NewTask }, { readBody: readTask, headers: KEY }),
        ...docs.createTask,
      },
    )
    .get(
      '/',
      async ({ params, query, request, set }) => {
        const isCounted = prefersCount(request);
        const validator = isCounted ? counted(counterAndQuery(query)) : counterAndQuery(query);
        const known = knownRevisions(request, validator);
        const { user_id } = params;
        const options = { ...selectionOf(query), counted: isCounted, known: known === '*' ? undefined : known };
        const page = await lists.inTurn(user_id, request, () => tasks.listTasks(service, user_id, options));
        set.headers.etag = validator.tagOf(page.revision);
        // Also without a count: a cache would answer a request for the count with an answer that does not vary.
        addVary(set.headers, 'Prefer');
        if (isKnown(page.revision, known)) {
          set.status = 304;
          return;
        }
        if (page.total !== undefined) {
          set.headers['x-total-count'] = String(page.total);
          set.headers['preference-applied'] = 'count=exact';
        }
        const address = addressOf(request, user_id);
        set.headers.link = linksOf(address, request.url, page.next);
        return jsonAnswer(page.tasks.map((task) => located(task, address)));
      },
      {
        ...checked(
          admission,
          { params: UserPath, query: ListQuery },
          {
            more: [
              ({ query }) => checkDays(query as ListQuery),
              ({ params, query }, found) => checkCursor(params as UserPath, query as ListQuery, found),
            ],
          },
        ),
        ...docs.listTasks,
      },
    )
    .delete(
      '/',
      async ({ params, query, request, set }) => {
        const { user_id } = params;
        const filter = filterOf(query);
        const total = await underPrecondition(
          request,
          countedOrNot(counterAndQuery(query)),
          requireIfMatch,
          (precondition: Precondition) =>
            writes.inTurn(user_id, request, () => tasks.deleteTasks(service, user_id, filter, precondition)),
        );
        set.headers['x-total-count'] = String(total);
        set.status = 204;
      },
      {
        ...checked(
          admission,
          { params: UserPath, query: DeleteQuery },
          { headers: PRECONDITIONS, more: [({ query }) => checkDays(query as DeleteQuery)] },
        ),
        ...docs.deleteTasks,
      },
    )
    .get(
      '/facets',
      async ({ params, request, set }) => {
        const validator = counterAndQuery('facets');
        const known = knownRevisions(request, validator);
        const { user_id } = params;
        const revisions = known === '*' ? undefined : known;
        // As a list, it may read all tasks of the user.
        const read = () => tasks.getFacets(service, user_id, revisions);
        const { facets, revision } = await lists.inTurn(user_id, request, read);
        set.headers.etag = validator.tagOf(revision);
        if (facets && !isKnown(revision, known)) return facets;
        set.status = 304;
      },
      { ...checked(admission, { params: UserPath }), ...docs.getFacets },
    )
    .get(
      '/:id',
      async ({ params, request, set }) => {
        const { user_id, id } = params;
        const task = await reads.inTurn(user_id, request, () => tasks.getTask(service, user_id, id));
        if (!isKnown(task.revision, knownRevisions(request, ownRevision))) return represent(task, request, set.headers);
        set.headers.etag = ownRevision.tagOf(task.revision);
        set.status = 304;
      },
      { ...checked(admission, { params: TaskPath }), ...docs.getTask },
    )
    .put(
      '/:id',
      async ({ params, body, request, set }) => {
        const task = await writeTask(params, request, (target) => tasks.replaceTask(service, target, body));
        return represent(task, request, set.headers);
      },
      {
        ...checked(
          admission,
          { params: TaskPath, body: TaskReplacement },
          { readBody: readTask, headers: PRECONDITIONS },
        ),
        ...docs.replaceTask,
      },
    )
    .patch(
      '/:id',
      async ({ params, body, request, set }) => {
        const key = idempotencyOf(request, 'updateTask', params.id, body);
        const written = await writeTask(params, request, (target) => tasks.updateTask(service, target, body, key));
        return representWritten(written, request, set.headers);
      },
      {
        ...checked(
          admission,
          { params: TaskPath, body: TaskPatch },
          { readBody: readPatch, headers: PRECONDITIONS_AND_KEY },
        ),
        ...docs.updateTask,
      },
    )
    .delete(
      '/:id',
      async ({ params, request, set }) => {
        await writeTask(params, request, (target) => tasks.deleteTask(service, target));
        set.status = 204;
      },
      { ...checked(admission, { params: TaskPath }, { headers: PRECONDITIONS }), ...docs.deleteTask },
    )
    .patch(
      '/:id/complete',
      async ({ params, body, request, set }) => {
        const { completed } = body;
        const key = idempotencyOf(request, 'completeTask', params.id, body);
        const written = await writeTask(params, request, (target) =>
          tasks.completeTask(service, target, completed, key),
        );
        return representWritten(written, request, set.headers);
      },
      {
        ...checked(
          admission,
          { params: TaskPath, body: Completion },
          { readBody: readPatchOrNothing, headers: PRECONDITIONS_AND_KEY },
        ),
        ...docs.completeTask,
      },
    )
    .post(
      '/:id/restore',
      async ({ params, request, set }) => {
        const key = idempotencyOf(request, 'restoreTask', params.id);
        const written = await writeTask(params, request, (target) => tasks.restoreTask(service, target, key));
        return representWritten(written, request, set.headers);
      },
      { ...checked(admission, { params: TaskPath }, { headers: PRECONDITIONS_AND_KEY }), ...docs.restoreTask },
    );
}

/** Adds the address to the task itself: copies would take a tenth of a page. */
function located(task: StoredTask & { url?: string }, address: string): Task {
  task.url = address + task.id;
  return task as Task;
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
