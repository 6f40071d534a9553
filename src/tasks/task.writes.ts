/**
 * The statements that write tasks. Each write takes the next revision of its user in its own statement, and the counter
 * is held to the end: numbers become visible in their order. One that finds nothing to do takes no number.
 *
 * Writes cannot deadlock. A statement about one user locks that user's tasks first, in the order of their ids, and then
 * the counter. One about many users waits for no one: what others hold, it leaves out.
 */
import {
  and,
  asc,
  type Column,
  count,
  eq,
  gt,
  isNotNull,
  isNull,
  not,
  or,
  type Placeholder,
  type SQL,
  type SQLWrapper,
  type WithSubquery,
} from 'drizzle-orm';
import type { PgUpdateSetSource, WithSubqueryWithSelection } from 'drizzle-orm/pg-core';
import type { Drizzle } from '../db/driver.ts';
import {
  coalesce,
  excluded,
  expression,
  isAnyOf,
  isDistinctFrom,
  isNoneOf,
  minus,
  parameter,
  parameterFor,
  plus,
  rowAsJson,
  rowNumberFromLast,
  rowsOfJson,
  scalar,
  typedParameter,
  when,
} from '../db/expressions.ts';
import { idempotencyKeys, type StoredTask, taskColumns, tasks, userRevisions, writtenColumns } from '../db/schema.ts';
import { statementName } from '../db/shapes.ts';
import { matches, type TaskFilter } from './task.list.ts';

export const thisTask = and(eq(tasks.user_id, parameter('user_id')), eq(tasks.id, parameter('id')));
export const isLive = isNull(tasks.deleted_at);
const isDeleted = isNotNull(tasks.deleted_at);
/** The precondition of the request, where it has one. */
const inExpectedRevision = (revision: Column) =>
  and(isAnyOf(revision, 'if_match'), isNoneOf(revision, 'if_none_match'));

/** What a client may change. */
export const WRITABLE_FIELDS = [
  'title',
  'description',
  'completed',
  'priority',
  'tags',
  'due_date',
  'due_at',
  'order',
] as const;
export type WritableField = (typeof WRITABLE_FIELDS)[number];

/** What a statement does to a task; only what is named takes part. */
export interface Change {
  /** Sets `fields`, toggles completion, puts the task into the bin, or takes it out of there. */
  kind: 'update' | 'toggle' | 'delete' | 'restore';
  fields: readonly WritableField[];
}

export interface ChangeShape extends Change {
  /** With the parameters of a precondition. */
  conditional: boolean;
  /** Keeps the answer under an Idempotency-Key. */
  once: boolean;
}

/** Raises the counters of users, by what the query says for each, from 0 where there is none yet. */
function raiseCounters(db: Drizzle, users: SQLWrapper, onlyIf?: SQL) {
  return db
    .insert(userRevisions)
    .select(users.getSQL())
    .onConflictDoUpdate({
      target: userRevisions.user_id,
      set: { revision: plus(userRevisions.revision, excluded(userRevisions.revision)) },
      ...(onlyIf && { setWhere: onlyIf }),
    })
    .returning({ user_id: userRevisions.user_id, revision: userRevisions.revision });
}

const one = expression<number>(1).as('revision');

export function prepareCreate(db: Drizzle, name: string, once: boolean) {
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .values({ user_id: parameter('user_id'), revision: 1 })
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const fields = Object.fromEntries(Object.keys(taskColumns).map((field) => [field, parameter(field)])) as Record<
    keyof StoredTask,
    Placeholder
  >;
  const values = { ...fields, revision: scalar<number>(db.select({ revision: bump.revision }).from(bump)) };
  if (!once) return db.with(bump).insert(tasks).values(values).returning(taskColumns).prepare(name);
  const written = db.$with('written').as(db.insert(tasks).values(values).returning(taskColumns));
  return db.with(bump, written, keepAnswer(db, written)).select().from(written).prepare(name);
}

/**
 * Creates many tasks, of one user each, out of a JSON array. Left out are those of users whose counters others hold at
 * the moment, and the first task of a user: a counter that is not there cannot be locked without waiting.
 */
export function prepareCreateMany(db: Drizzle) {
  const rows = rowsToWrite(db);
  const free = db
    .select({ user_id: userRevisions.user_id })
    .from(userRevisions)
    .where(eq(userRevisions.user_id, rows.user_id))
    .for('update', { skipLocked: true })
    .as('free');
  const users = db.select({ user_id: free.user_id, revision: one }).from(rows).crossJoinLateral(free);
  const bump = db.$with('bump').as(raiseCounters(db, users));
  const created = db
    .select({ ...rows._.selectedFields, revision: bump.revision })
    .from(bump)
    .innerJoin(rows, eq(rows.user_id, bump.user_id));
  return db.with(rows, bump).insert(tasks).select(created.getSQL()).returning(taskColumns).prepare('create_tasks');
}

/** A change to one task in the right state and revision. An update that would change nothing writes nothing. */
export function prepareChange(db: Drizzle, { conditional, once, ...change }: ChangeShape) {
  const newValue: NewValue = (name) =>
    name === 'updated_at' ? typedParameter(name, 'timestamptz') : parameterFor(tasks[name]);
  const target = and(thisTask, stateBefore(change), conditional ? inExpectedRevision(tasks.revision) : undefined);
  const found = db
    .select({ user_id: tasks.user_id, revision: one })
    .from(tasks)
    .where(and(target, changesSomething(change, newValue)))
    .for('update');
  const bump = db.$with('bump').as(raiseCounters(db, found));
  const update = (start: Pick<Drizzle, 'update'>) =>
    start
      .update(tasks)
      .set({ ...effectOf(change, newValue), revision: expression(bump.revision) })
      .from(bump)
      .where(target)
      .returning(taskColumns);
  if (!once) {
    const query = update(db.with(bump));
    return query.prepare(statementName(`${change.kind}_task`, query));
  }
  const written = db.$with('written').as(update(db));
  const query = db.with(bump, written, keepAnswer(db, written)).select().from(written);
  return query.prepare(statementName(`${change.kind}_task_once`, query));
}

/**
 * The same change to many tasks, of one user each, out of a JSON array. Those that others hold at the moment, or whose
 * user's counter they hold, are left out.
 */
export function prepareChangeMany(db: Drizzle, change: Change) {
  const rows = rowsToWrite(db);
  const newValue: NewValue = (name) => expression(rows[name]);
  const target = and(eq(tasks.user_id, rows.user_id), eq(tasks.id, rows.id));
  const free = db
    .select({ user_id: tasks.user_id })
    .from(tasks)
    .innerJoin(userRevisions, eq(userRevisions.user_id, tasks.user_id))
    .where(and(target, stateBefore(change), changesSomething(change, newValue)))
    .for('update', { skipLocked: true })
    .as('free');
  const users = db.select({ user_id: free.user_id, revision: one }).from(rows).crossJoinLateral(free);
  const bump = db.$with('bump').as(raiseCounters(db, users));
  const query = db
    .with(rows, bump)
    .update(tasks)
    .set({ ...effectOf(change, newValue), revision: expression(bump.revision) })
    .from(bump)
    .innerJoin(rows, eq(rows.user_id, bump.user_id))
    .where(target)
    .returning(taskColumns);
  return query.prepare(statementName(`${change.kind}_tasks`, query));
}

/**
 * The rows of the JSON array in the parameter `rows`. None of them is in the bin; that it is said lets PostgreSQL expect
 * a single row instead of a hundred, and so look each task up by its key in a table that it has no statistics of.
 */
function rowsToWrite(db: Drizzle) {
  return db.$with('rows', writtenColumns).as(rowsOfJson(tasks, 'rows', isLive));
}

/** A value that a change sets, wherever its statement has it from. */
type NewValue = (name: WritableField | 'updated_at') => SQL;

function stateBefore({ kind }: Change) {
  return kind === 'restore' ? isDeleted : isLive;
}

function changesSomething({ kind, fields }: Change, newValue: NewValue) {
  return kind === 'update' ? or(...fields.map((name) => isDistinctFrom(tasks[name], newValue(name)))) : undefined;
}

function effectOf({ kind, fields }: Change, newValue: NewValue): PgUpdateSetSource<typeof tasks> {
  const updated_at = newValue('updated_at');
  switch (kind) {
    case 'delete':
      return { updated_at, deleted_at: updated_at };
    case 'restore':
      return { updated_at, deleted_at: null };
    case 'toggle':
      return { updated_at, completed: not(tasks.completed), completed_at: when(not(tasks.completed), updated_at) };
    case 'update': {
      const values = Object.fromEntries(fields.map((name) => [name, newValue(name)]));
      if (!fields.includes('completed')) return { updated_at, ...values };
      const completed_at = when(newValue('completed'), coalesce(tasks.completed_at, updated_at));
      return { updated_at, ...values, completed_at };
    }
  }
}

/** Keeps the written task as the answer to an Idempotency-Key; a key that is taken fails the whole statement. */
function keepAnswer(db: Drizzle, written: WithSubqueryWithSelection<typeof taskColumns, 'written'>) {
  return db.$with('kept').as(
    db
      .insert(idempotencyKeys)
      .select(db.select(answerOf(written)).from(written))
      .returning({ key: idempotencyKeys.key }),
  );
}

/** What is kept under the key: the task as it was after the write. */
export function answerOf(task: WithSubquery) {
  return {
    user_id: typedParameter<string>('user_id', 'text').as('user_id'),
    key: typedParameter<string>('key', 'text').as('key'),
    fingerprint: typedParameter<string>('fingerprint', 'text').as('fingerprint'),
    task: rowAsJson<StoredTask>(task).as('task'),
    created_at: typedParameter<string>('updated_at', 'timestamptz').as('created_at'),
  };
}

/**
 * Puts all that the filter matches into the bin. Each takes a revision of its own, in the order of their ids, so that a
 * reader of changes can stop between any two. A precondition is one on the user's counter.
 * Yields the last revision taken, or no row when there was nothing to delete or the precondition failed.
 */
export function prepareDeleteAll(db: Drizzle, filter: TaskFilter) {
  const { user_id, id } = tasks;
  // Locking and numbering rows cannot be done by one query.
  const locked = db
    .$with('locked')
    .as(db.select({ user_id, id }).from(tasks).where(matches(filter)).orderBy(asc(id)).for('update'));
  const position = rowNumberFromLast(locked.id).as('position');
  const doomed = db.$with('doomed').as(db.select({ user_id: locked.user_id, id: locked.id, position }).from(locked));
  const counted = db
    .select({ user_id: typedParameter<string>('user_id', 'text').as('user_id'), revision: count().as('revision') })
    .from(doomed)
    .having(gt(count(), 0));
  const bump = db.$with('bump').as(raiseCounters(db, counted, inExpectedRevision(userRevisions.revision)));
  const now = expression<string>(parameter('updated_at'));
  const deleted = db.$with('deleted').as(
    db
      .update(tasks)
      .set({ deleted_at: now, updated_at: now, revision: plus(minus(bump.revision, doomed.position), 1) })
      .from(bump)
      .innerJoin(doomed, expression(true))
      // By both columns of those, and not by the parameter as well: it would let the planner, which may believe that a
      // user has one task, compare each with each.
      .where(and(eq(user_id, doomed.user_id), eq(id, doomed.id)))
      .returning({ id }),
  );
  const query = db.with(locked, doomed, bump, deleted).select({ revision: bump.revision }).from(bump);
  return query.prepare(statementName('delete_tasks', query));
}
