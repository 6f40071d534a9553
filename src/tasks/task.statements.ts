/**
 * What the task service asks of the database: each request one statement, compiled once and prepared by name.
 *
 * A write takes the user's next revision in its own statement. It locks the user's counter first and holds it to the
 * end, so a user's writes happen one after the other and cannot deadlock. Its conditions stand in the WHERE of the
 * write as well, where PostgreSQL looks again at a task that changed while the write waited.
 */
import {
  and,
  type Column,
  count,
  eq,
  gt,
  isNotNull,
  isNull,
  lt,
  not,
  or,
  type Placeholder,
  type SQL,
  type WithSubquery,
} from 'drizzle-orm';
import type { PgUpdateSetSource, WithSubqueryWithSelection } from 'drizzle-orm/pg-core';
import type { Drizzle } from '../db/client.ts';
import {
  coalesce,
  constant,
  excluded,
  isAnyOf,
  isDistinctFrom,
  isNoneOf,
  minus,
  parameter,
  plus,
  rowAsJson,
  rowIsIn,
  rowNumberFromLast,
  scalar,
  typedParameter,
  when,
} from '../db/expressions.ts';
import { idempotencyKeys, type StoredTask, taskColumns, tasks, userRevisions } from '../db/schema.ts';
import { matches, nameOf, type TaskFilter } from './task.list.ts';

const thisTask = and(eq(tasks.user_id, parameter('user_id')), eq(tasks.id, parameter('id')));
const isLive = isNull(tasks.deleted_at);
const isDeleted = isNotNull(tasks.deleted_at);
/** The precondition of the request, where it has one. */
const inExpectedRevision = (revision: Column) =>
  and(isAnyOf(revision, 'if_match'), isNoneOf(revision, 'if_none_match'));

const touched = { updated_at: constant<string>(parameter('now')) };

type WrittenTask = WithSubqueryWithSelection<typeof taskColumns, 'written'>;

export type TaskStatements = ReturnType<typeof prepareTaskStatements>;

export function prepareTaskStatements(db: Drizzle) {
  return {
    readNothing: db.select(taskColumns).from(tasks).limit(0).prepare('read_nothing'),
    readRevision: db
      .select({ revision: userRevisions.revision })
      .from(userRevisions)
      .where(eq(userRevisions.user_id, parameter('user_id')))
      .prepare('read_revision'),
    getTask: db.select(taskColumns).from(tasks).where(and(thisTask, isLive)).prepare('get_task'),
    /** The task in whatever state it is; asked only to tell why a write changed nothing. */
    findTask: db
      .select({ ...taskColumns, deleted_at: tasks.deleted_at })
      .from(tasks)
      .where(thisTask)
      .prepare('find_task'),
    createTask: prepareCreate(db, 'create_task', false),
    createTaskOnce: prepareCreate(db, 'create_task_once', true),
    updateTask: prepareUpdate(db, 'update_task', false),
    updateTaskOnce: prepareUpdate(db, 'update_task_once', true),
    deleteTask: prepareChange(db, 'delete_task', isLive, { ...touched, deleted_at: constant(parameter('now')) }),
    restoreTask: prepareChange(db, 'restore_task', isDeleted, { ...touched, deleted_at: null }),
    restoreTaskOnce: prepareChange(
      db,
      'restore_task_once',
      isDeleted,
      { ...touched, deleted_at: null },
      { once: true },
    ),
    deleteTasks: (filter: TaskFilter) => prepareDeleteAll(db, filter),
    findAnswer: db
      .select()
      .from(idempotencyKeys)
      .where(and(eq(idempotencyKeys.user_id, parameter('user_id')), eq(idempotencyKeys.key, parameter('key'))))
      .prepare('find_answer'),
    keepAnswer: prepareKeepAnswer(db),
    forgetAnswer: db
      .delete(idempotencyKeys)
      .where(
        and(
          eq(idempotencyKeys.user_id, parameter('user_id')),
          eq(idempotencyKeys.key, parameter('key')),
          lt(idempotencyKeys.created_at, parameter('expired')),
        ),
      )
      .prepare('forget_answer'),
    forgetAnswers: prepareForgetAnswers(db),
  };
}

function prepareCreate(db: Drizzle, name: string, once: boolean) {
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .values({ user_id: parameter('user_id'), revision: 1 })
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const given = Object.fromEntries(Object.keys(taskColumns).map((field) => [field, parameter(field)])) as Record<
    keyof StoredTask,
    Placeholder
  >;
  const values = { ...given, revision: scalar<number>(db.select({ revision: bump.revision }).from(bump)) };
  if (!once) return db.with(bump).insert(tasks).values(values).returning(taskColumns).prepare(name);
  const written = db.$with('written').as(db.insert(tasks).values(values).returning(taskColumns));
  return db.with(bump, written, prepareKeeping(db, written)).select().from(written).prepare(name);
}

/**
 * PUT, PATCH and completion in one: a parameter that is NULL leaves its column as it is, and a column that may become
 * NULL has a second parameter that says whether it is given. Without a change nothing is written.
 */
function prepareUpdate(db: Drizzle, name: string, once: boolean) {
  const unlessNull = <T>(field: keyof StoredTask) => coalesce<T>(parameter(field), tasks[field]);
  const ifGiven = <T>(field: keyof StoredTask) => when<T>(parameter(`${field}_given`), parameter(field), tasks[field]);
  const next = {
    title: unlessNull<string>('title'),
    description: ifGiven<string>('description'),
    completed: when<boolean>(parameter('toggle'), not(tasks.completed), unlessNull('completed')),
    priority: unlessNull<StoredTask['priority']>('priority'),
    tags: unlessNull<string[]>('tags'),
    due_date: ifGiven<string>('due_date'),
    due_at: ifGiven<string>('due_at'),
    order: unlessNull<number>('order'),
  };
  const changes = or(
    ...Object.entries(next).map(([field, value]) => isDistinctFrom(tasks[field as keyof typeof next], value)),
  );
  const completed_at = when<string>(next.completed, coalesce(tasks.completed_at, parameter('now')));
  return prepareChange(db, name, isLive, { ...next, ...touched, completed_at }, { changes, once });
}

/** A change to one task in the given state, of an expected revision where one is named, if it `changes` anything. */
function prepareChange(
  db: Drizzle,
  name: string,
  state: SQL,
  set: PgUpdateSetSource<typeof tasks>,
  { changes, once = false }: { changes?: SQL | undefined; once?: boolean } = {},
) {
  const target = and(thisTask, state, inExpectedRevision(tasks.revision));
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .select(
        db
          .select({ user_id: tasks.user_id, revision: constant<number>(1).as('revision') })
          .from(tasks)
          .where(and(target, changes)),
      )
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const values = { ...set, revision: constant<number>(bump.revision) };
  if (!once)
    return db.with(bump).update(tasks).set(values).from(bump).where(target).returning(taskColumns).prepare(name);
  const written = db.$with('written').as(db.update(tasks).set(values).from(bump).where(target).returning(taskColumns));
  return db.with(bump, written, prepareKeeping(db, written)).select().from(written).prepare(name);
}

/** Keeps the written task as the answer to an Idempotency-Key; a key that is taken fails the whole statement. */
function prepareKeeping(db: Drizzle, written: WrittenTask) {
  return db.$with('kept').as(
    db
      .insert(idempotencyKeys)
      .select(db.select(answerOf(written)).from(written))
      .returning({ key: idempotencyKeys.key }),
  );
}

/** The same for a task that needed no change and still has the revision that showed it. */
function prepareKeepAnswer(db: Drizzle) {
  const asItWas = and(thisTask, eq(tasks.revision, parameter('revision')));
  const current = db.$with('current').as(db.select(taskColumns).from(tasks).where(asItWas));
  return db
    .with(current)
    .insert(idempotencyKeys)
    .select(db.select(answerOf(current)).from(current))
    .returning({ task: idempotencyKeys.task })
    .prepare('keep_answer');
}

function answerOf(task: WithSubquery) {
  return {
    user_id: typedParameter<string>('user_id', 'text').as('user_id'),
    key: typedParameter<string>('key', 'text').as('key'),
    fingerprint: typedParameter<string>('fingerprint', 'text').as('fingerprint'),
    task: rowAsJson<StoredTask>(task).as('task'),
    created_at: typedParameter<string>('now', 'timestamptz').as('created_at'),
  };
}

/** Deletes up to 1,000 answers from before `expired`; what another process is deleting is left to it. */
function prepareForgetAnswers(db: Drizzle) {
  const { user_id, key, created_at } = idempotencyKeys;
  const expired = db
    .select({ user_id, key })
    .from(idempotencyKeys)
    .where(lt(created_at, parameter('expired')))
    .limit(1000)
    .for('update', { skipLocked: true });
  return db
    .delete(idempotencyKeys)
    .where(rowIsIn([user_id, key], expired))
    .returning({ key })
    .prepare('forget_answers');
}

/**
 * Puts all that the filter matches into the bin. Each takes a revision of its own, in the order of their ids, so that a
 * reader of changes can stop between any two. A precondition is one on the user's counter.
 * Yields the last revision taken, or no row when there was nothing to delete or the precondition failed.
 */
function prepareDeleteAll(db: Drizzle, filter: TaskFilter) {
  const doomed = db.$with('doomed').as(
    db
      .select({ id: tasks.id, position: rowNumberFromLast(tasks.id).as('position') })
      .from(tasks)
      .where(matches(filter)),
  );
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .select(
        db
          .select({
            user_id: typedParameter<string>('user_id', 'text').as('user_id'),
            revision: count().as('revision'),
          })
          .from(doomed)
          .having(gt(count(), 0)),
      )
      .onConflictDoUpdate({
        target: userRevisions.user_id,
        set: { revision: plus(userRevisions.revision, excluded(userRevisions.revision)) },
        setWhere: inExpectedRevision(userRevisions.revision),
      })
      .returning({ revision: userRevisions.revision }),
  );
  const deleted = db.$with('deleted').as(
    db
      .update(tasks)
      .set({
        ...touched,
        deleted_at: constant(parameter('now')),
        revision: plus(minus(bump.revision, doomed.position), 1),
      })
      .from(bump)
      .innerJoin(doomed, constant(true))
      .where(and(matches(filter), eq(tasks.id, doomed.id)))
      .returning({ id: tasks.id }),
  );
  const query = db.with(doomed, bump, deleted).select({ revision: bump.revision }).from(bump);
  return query.prepare(nameOf('delete_tasks', query));
}
