/**
 * What the task service asks of the database: each request one statement, or a part of one, compiled once and prepared
 * by name.
 */
import { and, eq, lt } from 'drizzle-orm';
import type { Drizzle } from '../db/driver.ts';
import { isElementOf, parameter, rowIsIn, rowsOfArrays } from '../db/expressions.ts';
import { idempotencyKeys, taskColumns, tasks, userRevisions } from '../db/schema.ts';
import { remember } from '../db/shapes.ts';
import { type ListShape, prepareListTasks, type TaskFilter } from './task.list.ts';
import {
  answerOf,
  type Change,
  type ChangeShape,
  isLive,
  prepareChange,
  prepareChangeMany,
  prepareCreate,
  prepareCreateMany,
  prepareDeleteAll,
  thisTask,
} from './task.writes.ts';

const thisAnswer = and(eq(idempotencyKeys.user_id, parameter('user_id')), eq(idempotencyKeys.key, parameter('key')));

export type TaskStatements = ReturnType<typeof prepareTaskStatements>;

export function prepareTaskStatements(db: Drizzle) {
  return {
    /** By the index: reading the table is so dear to a planner told not to, that it would compile the statement first. */
    readNothing: db.select(taskColumns).from(tasks).where(eq(tasks.user_id, '')).limit(0).prepare('read_nothing'),
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
    createTasks: prepareCreateMany(db),
    changeTask: remember((shape: ChangeShape) => prepareChange(db, shape)),
    changeTasks: remember((change: Change) => prepareChangeMany(db, change)),
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

/** Keeps the answer to a request that had nothing to change, if the task still has the revision that showed it. */
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
