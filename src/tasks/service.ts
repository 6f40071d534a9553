/** The rules of tasks: one function for each operation. Each works on the tasks of one user and finds no others. */
import { RevisionMismatch, TaskNotFound } from '../errors.ts';
import { DEFAULTS, normalise, type StoredTask, type TaskFields } from './fields.ts';
import type { NewTaskId } from './ids.ts';
import { attemptUntilDone, firstAnswer, keepAnswer, type Written, writeOnce } from './once.ts';
import {
  allows,
  bindingOf,
  decodeCursor,
  encodeCursor,
  type Precondition,
  placeOf,
  type Selection,
  type TaskFilter,
} from './query.ts';
import type { NewTask, TaskPatch, TaskReplacement } from './schema.ts';
import type { AnswerKey } from './store/answers.ts';
import type { TaskKey } from './store/reads.ts';
import type { TaskStore } from './store/store.ts';
import type { Change } from './store/writes.ts';

/** What every operation works with; each rejects with DatabaseUnavailable when the database cannot answer. */
export interface TaskService {
  store: TaskStore;
  /** The present in milliseconds since 1970. */
  clock: () => number;
  newTaskId: NewTaskId;
}

/** A task to write, under a precondition on its revision. */
export interface TaskTarget extends TaskKey, Precondition {}

/** Creates a task; with a key, a repeat gets the first answer. @throws KeyReused */
export async function createTask(
  service: TaskService,
  user_id: string,
  input: NewTask,
  key?: AnswerKey,
): Promise<Written> {
  const { store, clock, newTaskId } = service;
  const time = clock();
  const created_at = new Date(time).toISOString();
  const fields = normalise({ ...DEFAULTS, ...input });
  const completed_at = fields.completed ? created_at : null;
  const task = { ...fields, user_id, id: newTaskId(time), completed_at, created_at, updated_at: created_at };
  if (!key) return { task: await store.createTask(task), replayed: false };
  return attemptUntilDone(() => writeOnce(service, user_id, key, () => store.createTask(task, key)));
}

/** @throws TaskNotFound */
export async function getTask({ store }: TaskService, user_id: string, id: string): Promise<StoredTask> {
  const task = await store.findLiveTask({ user_id, id: existingId(id) });
  if (!task) throw new TaskNotFound();
  return task;
}

export interface ListOptions extends Selection {
  /** Whether to count all that the filter matches. */
  counted: boolean;
  /** Revisions of the list that the caller has; for one of these no task is read. */
  known?: readonly number[] | undefined;
}

export interface TaskPage {
  tasks: StoredTask[];
  /** The user's counter in the snapshot of the page; it changes with every change to any task of the user. */
  revision: number;
  /** The cursor of the next page; undefined on the last one. */
  next: string | undefined;
  total: number | undefined;
}

/**
 * Reads one page of a list. A list that changed since a known revision takes two statements: the first is one that many
 * requests share. @throws InvalidInput for a cursor that was made for another user, sort or filter
 */
export async function listTasks({ store }: TaskService, user_id: string, options: ListOptions): Promise<TaskPage> {
  const { filter, sort, limit, cursor, counted, known } = options;
  const binding = bindingOf(user_id, filter);
  const place = cursor === undefined ? undefined : decodeCursor(cursor, sort, binding);
  if (known) {
    const revision = await store.readRevision(user_id);
    if (known.includes(revision)) return { tasks: [], revision, next: undefined, total: undefined };
  }
  // One more than wanted tells whether there is a next page.
  const page = await store.readPage({ user_id, filter, sort, limit: limit + 1, place, counted });
  const tasks = page.tasks.slice(0, limit);
  const last = page.tasks.length > limit ? tasks.at(-1) : undefined;
  return { ...page, tasks, next: last && encodeCursor(placeOf(last, sort), sort, binding) };
}

/** Replaces the task's fields; those that `input` lacks take their defaults. @throws TaskNotFound, RevisionMismatch */
export async function replaceTask(
  service: TaskService,
  target: TaskTarget,
  input: TaskReplacement,
): Promise<StoredTask> {
  return (await changeTask(service, target, 'update', normalise({ ...DEFAULTS, ...input }))).task;
}

/**
 * Changes the fields that `patch` has.
 * @throws TaskNotFound, RevisionMismatch, KeyReused, and InvalidInput when the task would be due twice
 */
export function updateTask(
  service: TaskService,
  target: TaskTarget,
  patch: TaskPatch,
  key?: AnswerKey,
): Promise<Written> {
  return changeTask(service, target, 'update', normalise(patch), key);
}

/**
 * Sets the state of completion, or toggles it when `completed` is undefined.
 * @throws TaskNotFound, RevisionMismatch, KeyReused
 */
export function completeTask(
  service: TaskService,
  target: TaskTarget,
  completed?: boolean,
  key?: AnswerKey,
): Promise<Written> {
  if (completed === undefined) return changeTask(service, target, 'toggle', undefined, key);
  return changeTask(service, target, 'update', { completed }, key);
}

/** Puts the task into the bin. @throws TaskNotFound, RevisionMismatch */
export async function deleteTask(service: TaskService, target: TaskTarget): Promise<void> {
  await changeTask(service, target, 'delete');
}

/** Takes the task out of the bin; one that is not in it stays as it is. @throws TaskNotFound, RevisionMismatch, KeyReused */
export function restoreTask(service: TaskService, target: TaskTarget, key?: AnswerKey): Promise<Written> {
  return changeTask(service, target, 'restore', undefined, key);
}

/** Puts every task that the filter matches into the bin, under a precondition on the user's counter. @throws RevisionMismatch */
export async function deleteTasks(
  { store, clock }: TaskService,
  user_id: string,
  filter: TaskFilter,
  precondition: Precondition = {},
): Promise<void> {
  const now = new Date(clock()).toISOString();
  const isPossible = precondition.if_none_match !== '*';
  if (isPossible && (await store.deleteTasks(user_id, filter, precondition, now)) !== undefined) return;
  if (!precondition.if_match && !precondition.if_none_match) return;
  const current = await store.readRevision(user_id);
  if (!allows(precondition, current)) throw new RevisionMismatch(current);
}

/**
 * Changes one task by a statement that returns no row when there was nothing to change; only then is the task read to
 * learn why. A change that lost a race is attempted once more.
 */
async function changeTask(
  service: TaskService,
  target: TaskTarget,
  change: Change,
  patch?: Partial<TaskFields>,
  key?: AnswerKey,
): Promise<Written> {
  const { store, clock } = service;
  const wanted = { ...target, id: existingId(target.id), ...(patch && { patch }) };
  // Nothing to set, or a precondition that no task meets.
  const isIdle = (patch && Object.keys(patch).length === 0) || target.if_none_match === '*';
  return attemptUntilDone(async () => {
    const updated_at = new Date(clock()).toISOString();
    const write = () => (isIdle ? NOTHING : store.changeTask(change, { ...wanted, updated_at }, key));
    const written = key ? await writeOnce(service, target.user_id, key, write) : firstAnswer(await write());
    if (written) return written;
    const unchanged = await findUnchanged(store, wanted, change);
    return key && unchanged ? keepAnswer(service, unchanged, key, updated_at) : firstAnswer(unchanged);
  });
}

const NOTHING = Promise.resolve(undefined);

/**
 * Tells why a change wrote nothing. Returns the task when it is already as the change would leave it, and undefined when
 * another request came in between. @throws TaskNotFound, RevisionMismatch
 */
async function findUnchanged(
  store: TaskStore,
  { user_id, id, patch = {}, ...precondition }: TaskTarget & { patch?: Partial<TaskFields> },
  change: Change,
): Promise<StoredTask | undefined> {
  const found = await store.findTask({ user_id, id });
  if (!found || (found.isDeleted && change !== 'restore')) throw new TaskNotFound();
  const { task, isDeleted } = found;
  if (!allows(precondition, task.revision)) throw new RevisionMismatch(task.revision);
  const isUnchanged = change === 'restore' ? !isDeleted : change === 'update' && hasFields(task, patch);
  return isUnchanged ? task : undefined;
}

function hasFields(task: StoredTask, fields: Partial<TaskFields>): boolean {
  return Object.entries(fields).every(([name, value]) => Bun.deepEquals(value, task[name as keyof TaskFields]));
}

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** The id as the database writes it; one that is no UUID names nothing. @throws TaskNotFound */
function existingId(id: string): string {
  if (!UUID.test(id)) throw new TaskNotFound();
  return id.toLowerCase();
}
