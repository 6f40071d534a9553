/** The rules of tasks. Every function works on the tasks of one user and finds no others. */
import type { Database } from '../db/client.ts';
import { type DriverInstant, rowsOf, type TaskRow, toStoredTask } from '../db/rows.ts';
import type { StoredTask } from '../db/schema.ts';
import { DatabaseUnavailable, KeyReused, RevisionMismatch, TaskNotFound } from '../errors.ts';
import { decodeCursor, encodeCursor } from './task.cursor.ts';
import { createDispatch, KeyTaken, type TaskKey } from './task.dispatch.ts';
import type { NewTaskId } from './task.id.ts';
import { placeOf, type Sort, shapeOf, type TaskFilter } from './task.list.ts';
import { allows, type Precondition } from './task.precondition.ts';
import type { NewTask, TaskPatch, TaskReplacement } from './task.schema.ts';
import { prepareTaskStatements } from './task.statements.ts';
import {
  DEFAULTS,
  fromJson,
  normalise,
  normaliseFilter,
  parametersOf,
  parametersOfPrecondition,
} from './task.values.ts';
import { type Change, WRITABLE_FIELDS } from './task.writes.ts';

export interface TaskServiceDependencies {
  database: Database;
  /** The present in milliseconds since 1970. */
  clock: () => number;
  newTaskId: NewTaskId;
}

/** Which task a write is about, and in which of its revisions. */
export interface TaskTarget extends TaskKey, Precondition {}

/** Makes a request one that is done once, however often it is sent: the caller's key, and a digest of what it asks. */
export interface Once {
  key: string;
  fingerprint: string;
}

/** A task after a write; `replayed` when an earlier request under the same key did it. */
export interface Written {
  task: StoredTask;
  replayed: boolean;
}

export interface ListOptions {
  filter: TaskFilter;
  sort: Sort;
  /** Tasks at most. */
  limit: number;
  /** Where to go on, as `next` of an earlier page said. */
  cursor?: string | undefined;
  /** Whether to count all that the filter matches. */
  counted: boolean;
  /** Revisions of the list that the caller has; for one of these no task is read. */
  known?: readonly number[] | undefined;
}

export interface TaskPage {
  tasks: StoredTask[];
  /** The user's counter at the moment of the page; it changes with every change to any task of the user. */
  revision: number;
  next: string | undefined;
  total: number | undefined;
}

/** A row of a list: of an empty page there is one, and it has no task. */
type ListRow = (TaskRow | { id: null }) & { list_revision: number | string; total?: number | string };

const isTask = (row: ListRow): row is TaskRow & ListRow => row.id !== null;

type FoundRow = TaskRow & { deleted_at: DriverInstant | null };

export type TaskService = ReturnType<typeof createTaskService>;

/** Every function rejects with DatabaseUnavailable when the database cannot answer. */
export function createTaskService({ database, clock, newTaskId }: TaskServiceDependencies) {
  const { db, read } = database;
  const statements = prepareTaskStatements(db);
  const dispatch = createDispatch(database, statements);
  const now = () => new Date(clock()).toISOString();
  /** An answer from before this moment counts no longer. */
  const expiry = () => new Date(clock() - KEY_LIFETIME_MS).toISOString();

  /** Rejects while tasks cannot be read. */
  async function checkReady(): Promise<void> {
    await read(() => statements.readNothing.execute());
  }

  /** @throws KeyReused */
  async function createTask(user_id: string, input: NewTask, once?: Once): Promise<Written> {
    const time = clock();
    const created_at = new Date(time).toISOString();
    const fields = normalise({ ...DEFAULTS, ...input });
    const completed_at = fields.completed ? created_at : null;
    const row = { ...fields, user_id, id: newTaskId(time), completed_at, created_at, updated_at: created_at };
    if (!once) return { task: toStoredTask(await dispatch.createTask(row, false)), replayed: false };
    return repeat(async () => {
      try {
        const created = await dispatch.createTask({ ...row, ...once }, true);
        return { task: toStoredTask(created), replayed: false };
      } catch (error) {
        if (!(error instanceof KeyTaken)) throw error;
        return findAnswer(user_id, once);
      }
    });
  }

  /** Shares its statement with other requests of the same moment. @throws TaskNotFound */
  async function getTask(user_id: string, id: string): Promise<StoredTask> {
    const row = await dispatch.findLiveTask({ user_id, id: existingId(id) });
    if (!row) throw new TaskNotFound();
    return toStoredTask(row);
  }

  /** @throws InvalidInput for a cursor that was not made for this user, sort and filter */
  async function listTasks(user_id: string, options: ListOptions): Promise<TaskPage> {
    const { sort, limit, counted, known } = options;
    const filter = normaliseFilter(options.filter);
    const binding = [user_id, filter];
    const place = options.cursor === undefined ? undefined : decodeCursor(options.cursor, sort, binding);
    if (known) {
      // A second statement where the list has changed, but the first is one that many requests share.
      const revision = await dispatch.revisionOf(user_id);
      if (known.includes(revision)) return { tasks: [], revision, next: undefined, total: undefined };
    }
    const start = place === undefined ? 'first' : place.key === null ? 'after null' : 'after value';
    const shape = { filter, sort, start, counted } as const;
    const statement = statements.listTasks([shapeOf(filter), sort, start, counted].join(), shape);
    const parameters = {
      ...parametersOf(filter),
      ...place,
      user_id,
      // One more than is wanted tells whether there is a next page.
      limit: limit + 1,
    };
    const rows = await read(() => rowsOf<ListRow>(statement, parameters));
    const tasks = rows.slice(0, limit).filter(isTask).map(toStoredTask);
    const last = rows.length > limit ? tasks.at(-1) : undefined;
    return {
      tasks,
      revision: Number(rows[0]?.list_revision ?? 0),
      next: last && encodeCursor(placeOf(last, sort), sort, binding),
      total: counted ? Number(rows[0]?.total ?? 0) : undefined,
    };
  }

  /**
   * Puts `input` in the place of the task's fields; what is left out takes its default.
   * @throws TaskNotFound, RevisionMismatch
   */
  async function replaceTask(target: TaskTarget, input: TaskReplacement): Promise<StoredTask> {
    return (await update(target, { ...DEFAULTS, ...input })).task;
  }

  /**
   * Changes the fields that `patch` has.
   * @throws TaskNotFound, RevisionMismatch, KeyReused, and InvalidInput when the task would be due twice
   */
  function updateTask(target: TaskTarget, patch: TaskPatch, once?: Once): Promise<Written> {
    return update(target, patch, once);
  }

  /**
   * Sets the state of completion, or toggles it when `completed` is undefined.
   * @throws TaskNotFound, RevisionMismatch, KeyReused
   */
  function completeTask(target: TaskTarget, completed?: boolean, once?: Once): Promise<Written> {
    if (completed !== undefined) return update(target, { completed }, once);
    return change(target, { kind: 'toggle', fields: [] }, {}, () => false, once);
  }

  /** Puts the task into the bin. @throws TaskNotFound, RevisionMismatch */
  async function deleteTask(target: TaskTarget): Promise<void> {
    await change(target, { kind: 'delete', fields: [] }, {}, () => false);
  }

  /**
   * Puts every task that the filter matches into the bin; a precondition is one on the user's counter.
   * @throws RevisionMismatch
   */
  async function deleteTasks(user_id: string, filter: TaskFilter, precondition: Precondition = {}): Promise<void> {
    const wanted = normaliseFilter(filter);
    const statement = statements.deleteTasks(shapeOf(wanted), wanted);
    if (precondition.if_none_match !== '*') {
      const values = { ...parametersOf(wanted), ...parametersOfPrecondition(precondition), user_id, updated_at: now() };
      const [deleted] = await dispatch.writeTask(() => statement.execute(values));
      if (deleted) return;
    }
    if (!precondition.if_match && !precondition.if_none_match) return;
    const current = await dispatch.revisionOf(user_id);
    if (!allows(precondition, current)) throw new RevisionMismatch(current);
  }

  /** Takes the task out of the bin; one that is not in it stays as it is. @throws TaskNotFound, RevisionMismatch, KeyReused */
  function restoreTask(target: TaskTarget, once?: Once): Promise<Written> {
    return change(target, { kind: 'restore', fields: [] }, {}, () => false, once);
  }

  /** Forgets the keys that have served their time. Any number of processes may do so at once. */
  async function forgetAnswers(): Promise<void> {
    const expired = expiry();
    while ((await dispatch.writeTask(() => statements.forgetAnswers.execute({ expired }))).length > 0);
  }

  function update(target: TaskTarget, input: TaskPatch, once?: Once): Promise<Written> {
    const patch = normalise(input);
    const fields = WRITABLE_FIELDS.filter((name) => patch[name] !== undefined);
    const isAsWanted = (task: StoredTask) => fields.every((name) => Bun.deepEquals(patch[name], task[name]));
    return change(target, { kind: 'update', fields }, patch, isAsWanted, once);
  }

  /**
   * Changes one task by a statement that yields no row when there was nothing to change; only then the task is read to
   * tell why. Where that shows a task that should have been changed, another request came in between, and it is done
   * once more. An answer that is kept under the caller's key goes before everything else that could be said.
   * A change that shares its statement with others takes one of its own besides, where that left it out, or was undone
   * because of another.
   */
  function change(
    target: TaskTarget,
    what: Change,
    patch: TaskPatch,
    isAsWanted: (task: StoredTask) => boolean,
    once?: Once,
  ): Promise<Written> {
    const { kind, fields } = what;
    const { user_id } = target;
    const id = existingId(target.id);
    const state = kind === 'restore' ? 'deleted' : 'live';
    const conditional = target.if_match !== undefined || target.if_none_match !== undefined;
    const shape = { ...what, conditional, once: once !== undefined };
    // Nothing to change, or a precondition that no task meets.
    const isIdle = (kind === 'update' && fields.length === 0) || target.if_none_match === '*';
    return repeat(async () => {
      const parameters = {
        ...patch,
        ...(conditional && parametersOfPrecondition(target)),
        ...once,
        user_id,
        id,
        updated_at: now(),
      };
      try {
        const written = isIdle ? undefined : await dispatch.changeTask(shape, parameters);
        if (written) return { task: toStoredTask(written), replayed: false };
      } catch (error) {
        const answer = once && !(error instanceof DatabaseUnavailable) && (await findAnswer(user_id, once));
        if (answer) return answer;
        if (error instanceof KeyTaken) return undefined;
        throw error;
      }
      const answer = once && (await findAnswer(user_id, once));
      if (answer) return answer;
      const [found] = await read(() => rowsOf<FoundRow>(statements.findTask, { user_id, id }));
      const foundState = found?.deleted_at ? 'deleted' : 'live';
      if (!found || (state === 'live' && foundState === 'deleted')) throw new TaskNotFound();
      const task = toStoredTask(found);
      if (!allows(target, task.revision)) throw new RevisionMismatch(task.revision);
      if (foundState === state && !isAsWanted(task)) return undefined;
      return once ? keepAnswer(parameters, task) : { task, replayed: false };
    });
  }

  /** The answer to an earlier request under the same key, unless it is too old to count. @throws KeyReused */
  async function findAnswer(user_id: string, { key, fingerprint }: Once): Promise<Written | undefined> {
    const [answer] = await read(() => statements.findAnswer.execute({ user_id, key }));
    if (!answer) return undefined;
    const expired = expiry();
    if (answer.created_at < expired) {
      await dispatch.writeTask(() => statements.forgetAnswer.execute({ user_id, key, expired }));
      return undefined;
    }
    if (answer.fingerprint !== fingerprint) throw new KeyReused();
    return { task: fromJson(answer.task), replayed: true };
  }

  /** Keeps the answer to a request that needed no change, while the task is as it was found. */
  async function keepAnswer(parameters: Record<string, unknown>, task: StoredTask): Promise<Written | undefined> {
    try {
      const [kept] = await dispatch.writeTask(() =>
        statements.keepAnswer.execute({ ...parameters, revision: task.revision }),
      );
      return kept && { task, replayed: false };
    } catch (error) {
      if (error instanceof KeyTaken) return undefined;
      throw error;
    }
  }

  return {
    checkReady,
    createTask,
    getTask,
    listTasks,
    replaceTask,
    updateTask,
    completeTask,
    deleteTask,
    deleteTasks,
    restoreTask,
    forgetAnswers,
  };
}

/** How long a repeat gets the first answer. */
const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

/** More than any real run of bad luck; each attempt lost is another request's write that succeeded. */
const ATTEMPTS = 20;

/** Attempts something until it yields a value. @throws DatabaseUnavailable when others always come in between */
function repeat<T>(attempt: () => Promise<T | undefined>, attempts = ATTEMPTS): Promise<T> {
  if (attempts === 0)
    return Promise.reject(new DatabaseUnavailable(new Error(`Other requests came in between ${ATTEMPTS} times.`)));
  return attempt().then((value) => value ?? repeat(attempt, attempts - 1));
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** The id as the database writes it; anything that is no UUID names nothing. @throws TaskNotFound */
function existingId(id: string): string {
  if (!UUID.test(id)) throw new TaskNotFound();
  return id.toLowerCase();
}
