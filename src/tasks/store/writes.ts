/**
 * The statements that write tasks. Each takes the next revision of its user in the statement itself and holds the
 * counter's lock to the end, so revisions become visible in order. A statement that changes nothing takes no revision.
 *
 * Writes cannot deadlock: each locks a user's tasks first, in the order of their ids, and then that user's counter.
 */
import { and, asc, count, eq, gt, not, or, type Placeholder, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import type { Database } from '../../db/database.ts';
import type { Drizzle } from '../../db/driver.ts';
import { postgresError } from '../../db/driver-errors.ts';
import { type PreparedStatement, rowsOf } from '../../db/driver-values.ts';
import {
  coalesce,
  excluded,
  expression,
  greatest,
  isDistinctFrom,
  minus,
  parameter,
  plus,
  rowNumberFromLast,
  scalar,
  typedParameter,
  when,
} from '../../db/expressions.ts';
import { remember, statementName } from '../../db/prepared.ts';
import { taskColumns, tasks, userRevisions } from '../../db/schema.ts';
import { InvalidInput } from '../../errors.ts';
import { type StoredTask, type TaskFields, type TaskRow, toStoredTask, WRITABLE_FIELDS } from '../fields.ts';
import type { Precondition, TaskFilter } from '../query.ts';
import type { WritableField } from '../schema.ts';
import { type AnswerKey, keepingAnswer, throwKeyTaken } from './answers.ts';
import {
  inExpectedRevision,
  isDeleted,
  isLive,
  matches,
  parametersOf,
  parametersOfPrecondition,
  shapeOf,
  thisTask,
} from './conditions.ts';

/** Sets the fields of a patch, toggles completion, puts the task into the bin, or takes it out of there. */
export type Change = 'update' | 'toggle' | 'delete' | 'restore';

/** A task to create; its statement gives it a revision. */
export type TaskToCreate = Omit<StoredTask, 'revision'>;

/** A task to change: where it is, what is set, and the time of the change. */
export interface TaskToChange extends Precondition {
  user_id: string;
  id: string;
  updated_at: string;
  /** The fields to set, in their normal form; only an update has any. */
  patch?: Partial<TaskFields>;
}

/**
 * Every function sends one statement, and rejects with DatabaseUnavailable when the database cannot answer. With a key,
 * the statement keeps the task as the answer under that key; it rejects with KeyTaken when the key has an answer.
 */
export function createWrites({ db, write, writeOnce }: Database) {
  const create = { plain: prepareCreate(db, false), keyed: prepareCreate(db, true) };
  const changes = remember((shape: ChangeShape) => prepareChange(db, shape));
  const deletions = remember((filter: TaskFilter) => prepareDeleteAll(db, filter));

  /** @throws InvalidInput, KeyTaken */
  async function run(
    statement: PreparedStatement,
    parameters: Record<string, unknown>,
    key?: AnswerKey,
  ): Promise<TaskRow | undefined> {
    const send = () => rowsOf<TaskRow>(statement, { ...parameters, ...key });
    const written = (key ? writeOnce : write)(send).catch(throwDueTwice);
    const [row] = await (key ? written.catch(throwKeyTaken) : written);
    return row;
  }

  return {
    async createTask(task: TaskToCreate, key?: AnswerKey): Promise<StoredTask> {
      const row = await run(key ? create.keyed : create.plain, task, key);
      return toStoredTask(row as TaskRow);
    },

    /** Returns the task after the change, or undefined when no live task (to restore: no deleted one) needed it. */
    async changeTask(change: Change, task: TaskToChange, key?: AnswerKey): Promise<StoredTask | undefined> {
      const statement = changes(`${change} ${key !== undefined}`, { change, keyed: key !== undefined });
      const { patch, ...target } = task;
      const parameters = { ...target, ...parametersOfPrecondition(task), ...(patch && rowOfPatch(patch)) };
      const row = await run(statement, parameters, key);
      return row && toStoredTask(row);
    },

    /**
     * Puts every task that the filter matches into the bin, under a precondition on the user's counter. Returns the
     * counter after it, or undefined when nothing was deleted.
     */
    async deleteTasks(
      user_id: string,
      filter: TaskFilter,
      precondition: Precondition,
      updated_at: string,
    ): Promise<number | undefined> {
      const statement = deletions(shapeOf(filter), filter);
      const parameters = { ...parametersOf(filter), ...parametersOfPrecondition(precondition), user_id, updated_at };
      const [row] = await write(() => rowsOf<{ revision: number | string }>(statement, parameters));
      return row && Number(row.revision);
    },
  };
}

/** The constraint that a task has one due time, as an error of the domain. */
function throwDueTwice(error: unknown): never {
  if (postgresError(error)?.constraint === 'tasks_due_once')
    throw new InvalidInput([{ in: 'body', pointer: '', detail: 'must not leave the task both due_date and due_at' }]);
  throw error;
}

/** Raises the counters of users by what the query says for each, from 0 where there is none yet. */
export function raiseCounters(db: Drizzle, users: SQLWrapper, onlyIf?: SQL) {
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

export const one = expression<number>(1).as('revision');

function prepareCreate(db: Drizzle, keyed: boolean) {
  const bump = db.$with('bump').as(
    db
      .insert(userRevisions)
      .values({ user_id: parameter('user_id'), revision: 1 })
      .onConflictDoUpdate({ target: userRevisions.user_id, set: { revision: plus(userRevisions.revision, 1) } })
      .returning({ revision: userRevisions.revision }),
  );
  const fields = Object.fromEntries(Object.keys(taskColumns).map((name) => [name, parameter(name)])) as Record<
    keyof StoredTask,
    Placeholder
  >;
  const values = { ...fields, revision: scalar<number>(db.select({ revision: bump.revision }).from(bump)) };
  const insert = (start: Pick<Drizzle, 'insert'>) => start.insert(tasks).values(values).returning(taskColumns);
  if (!keyed) return insert(db.with(bump)).prepare('create_task');
  const written = db.$with('written').as(insert(db));
  return db.with(bump, written, keepingAnswer(db, written)).select().from(written).prepare('create_task_keyed');
}

interface ChangeShape {
  change: Change;
  keyed: boolean;
}

/** A change to one task in the right state and revision. An update that would change nothing writes nothing. */
function prepareChange(db: Drizzle, { change, keyed }: ChangeShape) {
  const target = and(thisTask, stateBefore(change), inExpectedRevision(tasks.revision));
  const found = db
    .select({ user_id: tasks.user_id, revision: one })
    .from(tasks)
    .where(and(target, needsChange(change, PARAMETERS)))
    .for('update');
  const bump = db.$with('bump').as(raiseCounters(db, found));
  const update = (start: Pick<Drizzle, 'update'>) =>
    start
      .update(tasks)
      .set({ ...effectOf(change, PARAMETERS), revision: expression(bump.revision) })
      .from(bump)
      .where(target)
      .returning(taskColumns);
  if (!keyed) {
    const query = update(db.with(bump));
    return query.prepare(statementName(`${change}_task`, query));
  }
  const written = db.$with('written').as(update(db));
  const query = db.with(bump, written, keepingAnswer(db, written)).select().from(written);
  return query.prepare(statementName(`${change}_task_keyed`, query));
}

/** The values that a change sets, wherever its statement has them from, and which fields of a patch it sets. */
export interface NewValues {
  value(name: WritableField | 'updated_at'): SQL;
  isSet(name: WritableField): SQL;
}

/** One statement serves every patch: each field has a flag that says whether it is set. */
const PARAMETERS: NewValues = {
  value: (name) => typedParameter(name, tasks[name].getSQLType()),
  isSet: (name) => typedParameter(flagOf(name), 'boolean'),
};

export const flagOf = (name: string) => `${name}_is_set`;

const NOTHING_SET = Object.fromEntries(
  WRITABLE_FIELDS.flatMap((name) => [
    [name, null],
    [flagOf(name), false],
  ]),
);

/** The values and flags of a patch; the fields that it leaves alone are NULL. */
export function rowOfPatch(patch: Partial<TaskFields>): Record<string, unknown> {
  const row: Record<string, unknown> = { ...NOTHING_SET, ...patch };
  for (const name in patch) row[flagOf(name)] = true;
  return row;
}

export function stateBefore(change: Change): SQL {
  return change === 'restore' ? isDeleted : isLive;
}

export function needsChange(change: Change, { isSet, value }: NewValues): SQL | undefined {
  if (change !== 'update') return undefined;
  return or(...WRITABLE_FIELDS.map((name) => and(isSet(name), isDistinctFrom(tasks[name], value(name)))));
}

export function effectOf(change: Change, { isSet, value }: NewValues): PgUpdateSetSource<typeof tasks> {
  // No time of a task goes back when the clock does.
  const updated_at = greatest<string>(tasks.updated_at, value('updated_at'));
  switch (change) {
    case 'delete':
      return { updated_at, deleted_at: updated_at };
    case 'restore':
      return { updated_at, deleted_at: null };
    case 'toggle':
      return { updated_at, completed: not(tasks.completed), completed_at: when(not(tasks.completed), updated_at) };
    case 'update': {
      const patched = (name: WritableField) => when(isSet(name), value(name), tasks[name]);
      const values = Object.fromEntries(WRITABLE_FIELDS.map((name) => [name, patched(name)]));
      const completed_at = when(patched('completed'), coalesce(tasks.completed_at, updated_at));
      return { updated_at, ...values, completed_at };
    }
  }
}

/**
 * Puts all that the filter matches into the bin. Each takes a revision of its own, in the order of their ids, so that a
 * reader of changes can stop between any two.
 */
function prepareDeleteAll(db: Drizzle, filter: TaskFilter) {
  const { user_id, id } = tasks;
  // One query cannot both lock rows and number them.
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
  const now = greatest<string>(tasks.updated_at, PARAMETERS.value('updated_at'));
  const deleted = db.$with('deleted').as(
    db
      .update(tasks)
      .set({ deleted_at: now, updated_at: now, revision: plus(minus(bump.revision, doomed.position), 1) })
      .from(bump)
      .innerJoin(doomed, expression(true))
      // By the columns of `doomed` and not by the parameter: a planner that believes that a user has one task would
      // compare each with each.
      .where(and(eq(user_id, doomed.user_id), eq(id, doomed.id)))
      .returning({ id }),
  );
  const query = db.with(locked, doomed, bump, deleted).select({ revision: bump.revision }).from(bump);
  return query.prepare(statementName('delete_tasks', query));
}
