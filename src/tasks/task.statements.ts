/**
 * What the task service asks of the database: each request one statement, or a part of one, compiled once and prepared
 * by name.
 *
 * A write takes the user's next revision in its own statement. It locks its tasks first, in the order of their ids, and
 * then the user's counter, so that writes cannot deadlock; one that finds, once it has the lock, that there is nothing
 * for it to do takes no number. The counter is held to the end: numbers become visible in their order.
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
  lt,
  not,
  or,
  type Placeholder,
  type WithSubquery,
} from 'drizzle-orm';
import type { PgUpdateSetSource, WithSubqueryWithSelection } from 'drizzle-orm/pg-core';
import type { Drizzle } from '../db/driver.ts';
import {
  coalesce,
  constant,
  excluded,
  isAnyOf,
  isDistinctFrom,
  isElementOf,
  isNoneOf,
  minus,
  parameter,
  plus,
  rowAsJson,
  rowIsIn,
  rowNumberFromLast,
  rowsOfArrays,
  scalar,
  typedParameter,
  when,
} from '../db/expressions.ts';
import { idempotencyKeys, type StoredTask, taskColumns, tasks, userRevisions } from '../db/schema.ts';
import { type ListShape, matches, nameOf, prepareListTasks, type TaskFilter } from './task.list.ts';

const thisTask = and(eq(tasks.user_id, parameter('user_id')), eq(tasks.id, parameter('id')));
const isLive = isNull(tasks.deleted_at);
const isDeleted = isNotNull(tasks.deleted_at);
/** The precondition of the request, where it has one. */
const inExpectedRevision = (revision: Column) =>
  and(isAnyOf(revision, 'if_match'), isNoneOf(revision, 'if_none_match'));

const thisAnswer = and(eq(idempotencyKeys.user_id, parameter('user_id')), eq(idempotencyKeys.key, parameter('key')));

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

type WrittenTask = WithSubqueryWithSelection<typeof taskColumns, 'written'>;

export type TaskStatements = ReturnType<typeof prepareTaskStatements>;

export function prepareTaskStatements(db: Drizzle) {
  const change = remember((shape: ChangeShape) => prepareChange(db, shape));
  return {
    readNothing: db.select(taskColumns).from(tasks).limit(0).prepare('read_nothing'),
    readRevisions: db
      .select({ user_id: userRevisions.user_id, revision: userRevisions.revision })
      .from(userRevisions)
      .where(isElementOf(userRevisions.user_id, 'user_id'))
      .prepare('read_revisions'),
    getTasks: prepareGetTasks(db),
    /** The task in whatever state it is; asked only to tell why a write changed nothing. */
    findTask: db
      .select({ ...taskColumns, deleted_at: tasks.deleted_at })
      .from(tasks)
      .where(thisTask)
      .prepare('find_task'),
    createTask: prepareCreate(db, 'create_task', false),
    createTaskOnce: prepareCreate(db, 'create_task_once', true),
    changeTask: (shape: ChangeShape) =>
      change(`${shape.kind} ${shape.fields} ${shape.conditional} ${shape.once}`, shape),
    listTasks: remember((shape: ListShape) => prepareListTasks(db, shape)),
    deleteTasks: remember((filter: TaskFilter) => prepareDeleteAll(db, filter)),
    findAnswer: db.select().from(idempotencyKeys).where(thisAnswer).prepare('find_answer'),
    keepAnswer: prepareKeepAnswer(db),
    forgetAnswer: db
      .delete(idempotencyKeys)
      .where(and(thisAnswer, lt(idempotencyKeys.created_at, parameter('expired'))))
      .prepare('forget_answer'),
    forgetAnswers: prepareForgetAnswers(db),
  };
}

/** Prepares each shape of a statement once, when it is first asked for. */
function remember<Shape, Statement>(prepare: (shape: Shape) => Statement): (key: string, shape: Shape) => Statement {
  const prepared = new Map<string, Statement>();
  return (key, shape) => {
    const statement = prepared.get(key) ?? prepare(shape);
    prepared.set(key, statement);
    return statement;
  };
}

/**
 * The live ones of many tasks. Each is looked up by itself: a join might be planned for a table that is small, as a
 * reading of all of it, and the plan is kept when the table grows.
 */
function prepareGetTasks(db: Drizzle) {
  const { user_id, id } = tasks;
  const wanted = db.$with('wanted', { user_id, id }).as(rowsOfArrays({ user_id: 'text[]', id: 'uuid[]' }));
  const found = db
    .select(taskColumns)
    .from(tasks)
    .where(and(eq(user_id, wanted.user_id), eq(id, wanted.id), isLive))
    .limit(1)
    .as('found');
  return db.with(wanted).select(found._.selectedFields).from(wanted).crossJoinLateral(found).prepare('get_tasks');
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

/** What a statement that changes one task does: the values are parameters, only what is named takes part. */
export interface ChangeShape {
  /** Sets `fields`, toggles completion, puts the task into the bin, or takes it out of there. */
  kind: 'update' | 'toggle' | 'delete' | 'restore';
  fields: readonly WritableField[];
  /** With the parameters of a precondition. */
  conditional: boolean;
  /** Keeps the answer under an Idempotency-Key. */
  once: boolean;
}

/** A change to one task in the right state and revision. An update that would change nothing writes nothing. */
function prepareChange(db: Drizzle, { kind, fields, conditional, once }: ChangeShape) {
  const state = kind === 'restore' ? isDeleted : isLive;
  const target = and(thisTask, state, conditional ? inExpectedRevision(tasks.revision) : undefined);
  const changes =
    kind === 'update' ? or(...fields.map((name) => isDistinctFrom(tasks[name], parameter(name)))) : undefined;
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .select(
        db
          .select({ user_id: tasks.user_id, revision: constant<number>(1).as('revision') })
          .from(tasks)
          .where(and(target, changes))
          .for('update'),
      )
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const update = (start: Pick<Drizzle, 'update'>) =>
    start
      .update(tasks)
      .set({
        ...valuesOf(kind, fields),
        updated_at: constant<string>(parameter('now')),
        revision: constant(bump.revision),
      })
      .from(bump)
      .where(target)
      .returning(taskColumns);
  if (!once) {
    const query = update(db.with(bump));
    return query.prepare(nameOf(`${kind}_task`, query));
  }
  const written = db.$with('written').as(update(db));
  const query = db.with(bump, written, prepareKeeping(db, written)).select().from(written);
  return query.prepare(nameOf(`${kind}_task_once`, query));
}

function valuesOf(kind: ChangeShape['kind'], fields: readonly WritableField[]): PgUpdateSetSource<typeof tasks> {
  const now = typedParameter<string>('now', 'timestamptz');
  switch (kind) {
    case 'delete':
      return { deleted_at: now };
    case 'restore':
      return { deleted_at: null };
    case 'toggle':
      return { completed: not(tasks.completed), completed_at: when<string>(not(tasks.completed), now) };
    case 'update': {
      const given = Object.fromEntries(fields.map((name) => [name, constant(parameter(name))]));
      const completed_at = when<string>(parameter('completed'), coalesce(tasks.completed_at, now));
      return fields.includes('completed') ? { ...given, completed_at } : given;
    }
  }
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
  // Locking and numbering rows cannot be done by one query.
  const locked = db
    .$with('locked')
    .as(db.select({ id: tasks.id }).from(tasks).where(matches(filter)).orderBy(asc(tasks.id)).for('update'));
  const doomed = db
    .$with('doomed')
    .as(db.select({ id: locked.id, position: rowNumberFromLast(locked.id).as('position') }).from(locked));
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
        deleted_at: constant(parameter('now')),
        updated_at: constant(parameter('now')),
        revision: plus(minus(bump.revision, doomed.position), 1),
      })
      .from(bump)
      .innerJoin(doomed, constant(true))
      .where(and(matches(filter), eq(tasks.id, doomed.id)))
      .returning({ id: tasks.id }),
  );
  const query = db.with(locked, doomed, bump, deleted).select({ revision: bump.revision }).from(bump);
  return query.prepare(nameOf('delete_tasks', query));
}
