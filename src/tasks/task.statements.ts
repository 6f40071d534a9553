/**
 * What the task service asks of the database: each request one statement, compiled once and prepared by name.
 *
 * A write takes the user's next revision in its own statement. It locks the user's counter first and holds it to the
 * end, so a user's writes happen one after the other and cannot deadlock. Its conditions stand in the WHERE of the
 * write as well, where PostgreSQL looks again at a task that changed while the write waited.
 */
import { and, count, desc, eq, getTableColumns, gt, isNotNull, isNull, not, or, type SQL } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import type { Database } from '../db/client.ts';
import {
  coalesce,
  constant,
  excluded,
  isAnyOf,
  isDistinctFrom,
  minus,
  parameter,
  plus,
  rowNumberFromLast,
  scalar,
  when,
} from '../db/expressions.ts';
import { type TaskRow, tasks, userRevisions } from '../db/schema.ts';

const { deleted_at: _deletedAt, due: _due, ...columns } = getTableColumns(tasks);

/** A task as it is stored, without what only the database needs. */
export type StoredTask = Omit<TaskRow, 'deleted_at' | 'due'>;

const thisTask = and(eq(tasks.user_id, parameter('user_id')), eq(tasks.id, parameter('id')));
const isLive = isNull(tasks.deleted_at);
const isDeleted = isNotNull(tasks.deleted_at);

export type TaskStatements = ReturnType<typeof prepareTaskStatements>;

export function prepareTaskStatements(db: Database) {
  return {
    readNothing: db.select(columns).from(tasks).limit(0).prepare('read_nothing'),
    createTask: prepareCreate(db),
    getTask: db.select(columns).from(tasks).where(and(thisTask, isLive)).prepare('get_task'),
    /** The task in whatever state it is; asked only to tell why a write changed nothing. */
    findTask: db
      .select({ task: columns, deleted_at: tasks.deleted_at })
      .from(tasks)
      .where(thisTask)
      .prepare('find_task'),
    updateTask: prepareUpdate(db),
    deleteTask: prepareChange(db, 'delete_task', isLive, {
      deleted_at: constant(parameter('now')),
      updated_at: constant(parameter('now')),
    }),
    restoreTask: prepareChange(db, 'restore_task', isDeleted, {
      deleted_at: null,
      updated_at: constant(parameter('now')),
    }),
    listTasks: perShape((filter: TaskFilter) => prepareList(db, filter)),
    deleteTasks: perShape((filter: TaskFilter) => prepareDeleteAll(db, filter)),
  };
}

export interface TaskFilter {
  completed?: boolean | undefined;
}

/** Prepares a statement once for each set of filters that is asked for; their values are parameters. */
function perShape<F extends object, S>(prepare: (filter: F) => S): (filter: F) => S {
  const statements = new Map<string, S>();
  return (filter) => {
    const shape = Object.entries(filter)
      .flatMap(([name, value]) => (value === undefined ? [] : [name]))
      .join();
    let statement = statements.get(shape);
    if (!statement) statements.set(shape, (statement = prepare(filter)));
    return statement;
  };
}

function matching(filter: TaskFilter): SQL | undefined {
  return and(
    eq(tasks.user_id, parameter('user_id')),
    isLive,
    filter.completed === undefined ? undefined : eq(tasks.completed, parameter('completed')),
  );
}

function prepareList(db: Database, filter: TaskFilter) {
  return db
    .select(columns)
    .from(tasks)
    .where(matching(filter))
    .orderBy(desc(tasks.created_at), desc(tasks.id))
    .limit(parameter('limit'))
    .prepare('list_tasks');
}

/** Each task takes a revision of its own, in the order of their ids, so that a reader can stop between any two. */
function prepareDeleteAll(db: Database, filter: TaskFilter) {
  const doomed = db.$with('doomed').as(
    db
      .select({ id: tasks.id, position: rowNumberFromLast(tasks.id).as('position') })
      .from(tasks)
      .where(matching(filter)),
  );
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .select(
        db
          .select({ user_id: constant<string>(parameter('user_id')).as('user_id'), revision: count().as('revision') })
          .from(doomed)
          .having(gt(count(), 0)),
      )
      .onConflictDoUpdate({
        target: userRevisions.user_id,
        set: { revision: plus(userRevisions.revision, excluded(userRevisions.revision)) },
      })
      .returning({ revision: userRevisions.revision }),
  );
  return db
    .with(doomed, bump)
    .update(tasks)
    .set({
      deleted_at: constant(parameter('now')),
      updated_at: constant(parameter('now')),
      revision: plus(minus(bump.revision, doomed.position), 1),
    })
    .from(bump)
    .innerJoin(doomed, constant(true))
    .where(and(matching(filter), eq(tasks.id, doomed.id)))
    .prepare('delete_tasks');
}

function prepareCreate(db: Database) {
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .values({ user_id: parameter('user_id'), revision: 1 })
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const given = mapValues(columns, (_, name) => parameter(name));
  return db
    .with(bump)
    .insert(tasks)
    .values({ ...given, revision: scalar<number>(db.select({ revision: bump.revision }).from(bump)) })
    .returning(columns)
    .prepare('create_task');
}

/**
 * PUT, PATCH and completion in one: a parameter that is NULL leaves its column as it is, and a column that may become
 * NULL has a second parameter that says whether it is given. Without a change nothing is written.
 */
function prepareUpdate(db: Database) {
  const unlessNull = <T>(name: keyof StoredTask) => coalesce<T>(parameter(name), tasks[name]);
  const ifGiven = <T>(name: keyof StoredTask) => when<T>(parameter(`${name}_given`), parameter(name), tasks[name]);
  const next = {
    title: unlessNull<string>('title'),
    description: ifGiven<string>('description'),
    completed: when<boolean>(parameter('toggle'), not(tasks.completed), unlessNull('completed')),
    priority: unlessNull<TaskRow['priority']>('priority'),
    tags: unlessNull<string[]>('tags'),
    due_date: ifGiven<string>('due_date'),
    due_at: ifGiven<string>('due_at'),
    order: unlessNull<number>('order'),
  };
  const changes = Object.entries(next).map(([name, value]) => isDistinctFrom(tasks[name as keyof typeof next], value));
  return prepareChange(
    db,
    'update_task',
    isLive,
    {
      ...next,
      completed_at: when(next.completed, coalesce(tasks.completed_at, parameter('now'))),
      updated_at: constant(parameter('now')),
    },
    or(...changes),
  );
}

/** A change to one task that is in the given state, of an expected revision where one is named, if it changes anything. */
function prepareChange(db: Database, name: string, state: SQL, set: PgUpdateSetSource<typeof tasks>, changes?: SQL) {
  const target = and(thisTask, state, isAnyOf(tasks.revision, 'bigint', 'if_match'));
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
  return db
    .with(bump)
    .update(tasks)
    .set({ ...set, revision: constant(bump.revision) })
    .from(bump)
    .where(target)
    .returning(columns)
    .prepare(name);
}

function mapValues<T extends object, V>(object: T, map: (value: T[keyof T], key: string) => V): { [K in keyof T]: V } {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)])) as {
    [K in keyof T]: V;
  };
}
