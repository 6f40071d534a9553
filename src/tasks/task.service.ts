/** The rules of tasks. Every function works on the tasks of one user and finds no others. */
import { makePgArray } from 'drizzle-orm/pg-core';
import type { Database } from '../db/client.ts';
import { isUnavailable, postgresFailure } from '../db/failures.ts';
import { DatabaseUnavailable, InvalidInput, RevisionMismatch, TaskNotFound } from '../errors.ts';
import type { NewTaskId } from './task.id.ts';
import type { NewTask, TaskPatch, TaskReplacement } from './task.schema.ts';
import { prepareTaskStatements, type StoredTask, type TaskFilter, type TaskStatements } from './task.statements.ts';

export type { StoredTask, TaskFilter };

export interface TaskServiceDependencies {
  db: Database;
  /** The present in milliseconds since 1970. */
  clock: () => number;
  newTaskId: NewTaskId;
}

/** Which task a request is about and, where the caller names any, the revisions it may have. */
export interface TaskTarget {
  user_id: string;
  id: string;
  if_match?: readonly number[] | undefined;
}

export type TaskService = ReturnType<typeof createTaskService>;

/** Every function rejects with DatabaseUnavailable when the database cannot answer. */
export function createTaskService({ db, clock, newTaskId }: TaskServiceDependencies) {
  const statements = prepareTaskStatements(db);
  const now = () => new Date(clock()).toISOString();

  async function createTask(user_id: string, input: NewTask): Promise<StoredTask> {
    const time = clock();
    const created_at = new Date(time).toISOString();
    const fields = normalise({ ...DEFAULTS, ...input });
    const [task] = await run(
      statements.createTask.execute({
        ...fields,
        user_id,
        id: newTaskId(time),
        completed_at: fields.completed ? created_at : null,
        created_at,
        updated_at: created_at,
      }),
    );
    return task as StoredTask;
  }

  /** @throws TaskNotFound */
  async function getTask(user_id: string, id: string): Promise<StoredTask> {
    const [task] = await run(statements.getTask.execute({ user_id, id: existingId(id) }));
    if (!task) throw new TaskNotFound();
    return task;
  }

  /** Newest first. */
  function listTasks(user_id: string, filter: TaskFilter, limit: number): Promise<StoredTask[]> {
    return run(statements.listTasks(filter).execute({ user_id, ...filter, limit }));
  }

  /**
   * Puts `input` in the place of the task's fields; what is left out takes its default.
   * @throws TaskNotFound, RevisionMismatch
   */
  function replaceTask(target: TaskTarget, input: TaskReplacement): Promise<StoredTask> {
    return update(target, { ...DEFAULTS, ...input });
  }

  /**
   * Changes the fields that `patch` has.
   * @throws TaskNotFound, RevisionMismatch, and InvalidInput when the task would be due both on a day and at an instant
   */
  function updateTask(target: TaskTarget, patch: TaskPatch): Promise<StoredTask> {
    return update(target, patch);
  }

  /**
   * Sets the state of completion, or toggles it when `completed` is undefined.
   * @throws TaskNotFound, RevisionMismatch
   */
  function completeTask(target: TaskTarget, completed?: boolean): Promise<StoredTask> {
    return completed === undefined ? update(target, {}, true) : update(target, { completed });
  }

  /** Puts the task into the bin. @throws TaskNotFound, RevisionMismatch */
  async function deleteTask(target: TaskTarget): Promise<void> {
    await change(target, 'live', statements.deleteTask, {}, () => false);
  }

  /** Puts every task that the filter matches into the bin. */
  async function deleteTasks(user_id: string, filter: TaskFilter): Promise<void> {
    await run(statements.deleteTasks(filter).execute({ user_id, ...filter, now: now() }));
  }

  /** Takes the task out of the bin; one that is not in it stays as it is. @throws TaskNotFound, RevisionMismatch */
  function restoreTask(target: TaskTarget): Promise<StoredTask> {
    return change(target, 'deleted', statements.restoreTask, {}, () => false);
  }

  function update(target: TaskTarget, input: TaskPatch, toggle = false): Promise<StoredTask> {
    const patch = normalise(input);
    const values = {
      ...UNCHANGED,
      ...patch,
      tags: patch.tags ? makePgArray(patch.tags) : null,
      description_given: patch.description !== undefined,
      due_date_given: patch.due_date !== undefined,
      due_at_given: patch.due_at !== undefined,
      toggle,
    };
    const isAsWanted = (task: StoredTask) =>
      !toggle && FIELDS.every((name) => patch[name] === undefined || Bun.deepEquals(patch[name], task[name]));
    return change(target, 'live', statements.updateTask, values, isAsWanted);
  }

  /**
   * Runs a statement that changes one task in the given state. It yields no row when there was nothing to change; only
   * then the task is read to tell why. Where that shows a task that should have been changed, another request came in
   * between, and it is done once more.
   */
  async function change(
    target: TaskTarget,
    state: 'live' | 'deleted',
    statement: TaskStatements['updateTask'],
    values: Record<string, unknown>,
    isAsWanted: (task: StoredTask) => boolean,
  ): Promise<StoredTask> {
    const { user_id, if_match } = target;
    const id = existingId(target.id);
    const revisions = if_match ? makePgArray([...if_match]) : null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const [changed] = await run(statement.execute({ ...values, user_id, id, if_match: revisions, now: now() }));
      if (changed) return changed;
      const [found] = await run(statements.findTask.execute({ user_id, id }));
      const foundState = found?.deleted_at ? 'deleted' : 'live';
      if (!found || (state === 'live' && foundState === 'deleted')) throw new TaskNotFound();
      if (if_match && !if_match.includes(found.task.revision)) throw new RevisionMismatch(found.task.revision);
      if (foundState !== state || isAsWanted(found.task)) return found.task;
    }
    throw new DatabaseUnavailable(new Error(`Other writes came in between ${ATTEMPTS} times.`));
  }

  /** Rejects while tasks cannot be read. */
  async function checkReady(): Promise<void> {
    await run(statements.readNothing.execute());
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
  };
}

const DEFAULTS = {
  description: null,
  completed: false,
  priority: 'medium',
  tags: [],
  due_date: null,
  due_at: null,
  order: 0,
} satisfies Omit<NewTask, 'title'>;

const FIELDS = ['title', ...(Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[])] as const;

/** The parameters of an update that leaves every field as it is. */
const UNCHANGED = Object.fromEntries(FIELDS.map((name) => [name, null]));

/** More than any real run of bad luck; each attempt lost is another request's write that succeeded. */
const ATTEMPTS = 20;

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** The id as the database knows it; anything that is no UUID names nothing. @throws TaskNotFound */
function existingId(id: string): string {
  if (!UUID.test(id)) throw new TaskNotFound();
  return id;
}

/** The fields that a client may write, as they are stored: trimmed, lower-cased, without repeats, times in UTC. */
function normalise<T extends TaskPatch>(input: T): Pick<T, (typeof FIELDS)[number]>;
function normalise(input: TaskPatch): TaskPatch {
  const { title, description, completed, priority, tags, due_date, due_at, order } = input;
  return {
    title: title?.trim(),
    description,
    completed,
    priority,
    tags: tags && [...new Set(tags.map((tag) => tag.trim().toLowerCase()))],
    due_date,
    due_at: due_at && new Date(due_at).toISOString(),
    // JSON has a negative zero, PostgreSQL has not.
    order: order === undefined ? undefined : order + 0,
  };
}

/** Awaits a statement; what the database says becomes an error of the domain. */
async function run<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (postgresFailure(error)?.constraint === 'tasks_due_once')
      throw new InvalidInput([{ in: 'body', pointer: '', detail: 'must not leave the task both due_date and due_at' }]);
    if (isUnavailable(error)) throw new DatabaseUnavailable(error);
    throw error;
  }
}
