/**
 * Lets requests of the same moment share a statement: reads of single tasks and of counters, and writes of different
 * users without a precondition or a key. It changes no result and can be taken out; test/bench/LOG.md has what it saves.
 */
import { and, eq, isNull } from 'drizzle-orm';
import { batchedReads, batchedWrites } from '../../db/batched.ts';
import type { Database } from '../../db/database.ts';
import type { Drizzle } from '../../db/driver.ts';
import { type PreparedStatement, rowsOf } from '../../db/driver-values.ts';
import { columnNamed, expression, isElementOf, rowsOfArrays, rowsOfJson, typesOf } from '../../db/expressions.ts';
import { remember, statementName } from '../../db/prepared.ts';
import { taskColumns, tasks, userRevisions } from '../../db/schema.ts';
import { type StoredTask, type TaskRow, toColumns, toStoredTask, WRITABLE_FIELDS } from '../fields.ts';
import { isLive } from './conditions.ts';
import type { TaskKey } from './reads.ts';
import type { TaskStore } from './store.ts';
import {
  type Change,
  effectOf,
  flagOf,
  type NewValues,
  needsChange,
  one,
  raiseCounters,
  rowOfPatch,
  stateBefore,
  type TaskToChange,
  type TaskToCreate,
} from './writes.ts';

/** The store with shared statements in place of some of its own. */
export function sharingStatements(store: TaskStore, { db, read, write }: Database): TaskStore {
  const getTasks = prepareGetTasks(db);
  const findLiveTask = batchedReads(
    async (keys: TaskKey[]) => {
      const user_id = keys.map((key) => key.user_id);
      const id = keys.map((key) => key.id);
      return (await read(() => rowsOf<TaskRow>(getTasks, { user_id, id }))).map(toStoredTask);
    },
    ({ user_id, id }) => `${id} ${user_id}`,
  );

  const readRevisions = prepareReadRevisions(db);
  const findCounter = batchedReads((users: { user_id: string }[]) => {
    const user_id = users.map((user) => user.user_id);
    return read(() => rowsOf<{ user_id: string; revision: number | string }>(readRevisions, { user_id }));
  }, ownerOf);

  async function writeMany(statement: PreparedStatement, rows: object[]): Promise<StoredTask[]> {
    return (await write(() => rowsOf<TaskRow>(statement, { rows: JSON.stringify(rows) }))).map(toStoredTask);
  }

  const createTasks = prepareCreateMany(db);
  const createTask = batchedWrites<TaskToCreate, StoredTask>(
    (created) => writeMany(createTasks, created.map(toColumns)),
    (task) => store.createTask(task),
    ownerOf,
  );

  const changers = remember((change: Change) => {
    const changeTasks = prepareChangeMany(db, change);
    return batchedWrites<TaskToChange, StoredTask>(
      (changed) =>
        writeMany(
          changeTasks,
          changed.map(({ patch, ...task }) => ({ ...task, ...(patch && rowOfPatch(patch)) })),
        ),
      (task) => store.changeTask(change, task),
      ownerOf,
    );
  });

  return {
    ...store,
    findLiveTask,
    readRevision: async (user_id) => Number((await findCounter({ user_id }))?.revision ?? 0),
    createTask: async (task, key) => (key ? store.createTask(task, key) : ((await createTask(task)) as StoredTask)),
    changeTask: (change, task, key) =>
      key || task.if_match || task.if_none_match ? store.changeTask(change, task, key) : changers(change, change)(task),
  };
}

function ownerOf({ user_id }: { user_id: string }): string {
  return user_id;
}

/**
 * The live ones of many tasks, each looked up by itself: a join might be planned for a table that is small, as a scan of
 * all of it, and the plan is kept when the table grows.
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

function prepareReadRevisions(db: Drizzle) {
  return db
    .select({ user_id: userRevisions.user_id, revision: userRevisions.revision })
    .from(userRevisions)
    .where(isElementOf(userRevisions.user_id, 'user_id'))
    .prepare('read_revisions');
}

/**
 * Creates many tasks, of one user each, and waits for nobody. It skips the tasks of users whose counters others hold at
 * the moment, and a user's first task: a counter that does not exist cannot be locked without waiting.
 */
function prepareCreateMany(db: Drizzle) {
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

/** Changes many tasks, of one user each, and waits for nobody: it skips tasks and counters that others hold. */
function prepareChangeMany(db: Drizzle, change: Change) {
  const rows = rowsToWrite(db);
  const values: NewValues = {
    value: (name) => expression(rows[name]),
    isSet: (name) => expression(columnNamed(flagOf(name))),
  };
  const target = and(eq(tasks.user_id, rows.user_id), eq(tasks.id, rows.id));
  const free = db
    .select({ user_id: tasks.user_id })
    .from(tasks)
    .innerJoin(userRevisions, eq(userRevisions.user_id, tasks.user_id))
    .where(and(target, stateBefore(change), needsChange(change, values)))
    .for('update', { skipLocked: true })
    .as('free');
  const users = db.select({ user_id: free.user_id, revision: one }).from(rows).crossJoinLateral(free);
  const bump = db.$with('bump').as(raiseCounters(db, users));
  const query = db
    .with(rows, bump)
    .update(tasks)
    .set({ ...effectOf(change, values), revision: expression(bump.revision) })
    .from(bump)
    .innerJoin(rows, eq(rows.user_id, bump.user_id))
    .where(target)
    .returning(taskColumns);
  return query.prepare(statementName(`${change}_tasks`, query));
}

/**
 * The rows of the JSON array in the parameter `rows`. None of them is in the bin; saying so makes PostgreSQL expect one
 * row instead of a hundred, and so look up each task by its key in a table that has no statistics.
 */
function rowsToWrite(db: Drizzle) {
  const flags = Object.fromEntries(WRITABLE_FIELDS.map((name) => [flagOf(name), 'boolean']));
  const types = { ...typesOf(taskColumns), ...flags };
  return db.$with('rows', taskColumns).as(rowsOfJson('rows', types, isNull(columnNamed('deleted_at'))));
}
