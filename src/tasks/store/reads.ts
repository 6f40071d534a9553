/** The statements that read tasks: one task, a page of a list, a user's counter. */
import { and, asc, count, desc, eq, gt, isNull, lt, or, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { Database } from '../../db/database.ts';
import type { Drizzle } from '../../db/driver.ts';
import { rowsOf } from '../../db/driver-values.ts';
import {
  asRead,
  descendingNullsLast,
  expression,
  parameter,
  rowIsBeyond,
  scalar,
  widened,
} from '../../db/expressions.ts';
import { remember, statementName } from '../../db/prepared.ts';
import { taskColumns, tasks, userRevisions } from '../../db/schema.ts';
import { dueEndsOf } from '../due.ts';
import { type ListedRow, type StoredTask, type TaskRow, toListedTask, toStoredTask } from '../fields.ts';
import { type Place, type Selection, splitSort, type TaskFilter } from '../query.ts';
import type { Sort, SortKey } from '../schema.ts';
import { isLive, matches, parametersOf, shapeOf, thisTask } from './conditions.ts';

export interface TaskKey {
  user_id: string;
  id: string;
}

export interface PageRequest extends Omit<Selection, 'cursor'> {
  user_id: string;
  /** The page begins right after this place. */
  place: Place | undefined;
  /** Whether to count all that the filter matches. */
  counted: boolean;
}

export interface Page {
  tasks: StoredTask[];
  /** The user's counter in the snapshot of the page; 0 for a user who never had a task. */
  revision: number;
  total: number | undefined;
}

/** Every function sends one statement, and rejects with DatabaseUnavailable when the database cannot answer. */
export function createReads({ db, read }: Database) {
  // By the index: a planner that avoids reading tables would otherwise compile this statement first.
  const nothing = db.select(taskColumns).from(tasks).where(eq(tasks.user_id, '')).limit(0).prepare('read_nothing');
  // PostgreSQL refuses to lock even no row where it would refuse to write one.
  const nothingToChange = db
    .select(taskColumns)
    .from(tasks)
    .where(eq(tasks.user_id, ''))
    .limit(0)
    .for('update')
    .prepare('lock_nothing');
  const liveTask = db.select(taskColumns).from(tasks).where(and(thisTask, isLive)).prepare('get_task');
  const anyTask = db.select(taskColumns).from(tasks).where(thisTask).prepare('find_task');
  const counter = db
    .select({ revision: userRevisions.revision })
    .from(userRevisions)
    .where(eq(userRevisions.user_id, parameter('user_id')))
    .prepare('read_revision');
  const pages = remember((shape: PageShape) => preparePage(db, shape));

  return {
    /** Resolves while tasks can be read. */
    async checkReads(): Promise<void> {
      await read(() => nothing.execute());
    },

    /** Resolves while tasks can be read and written; nothing is. */
    async checkWrites(): Promise<void> {
      await read(() => nothingToChange.execute());
    },

    /** The task, unless it is in the bin. */
    async findLiveTask(key: TaskKey): Promise<StoredTask | undefined> {
      const [row] = await read(() => rowsOf<TaskRow>(liveTask, { ...key }));
      return row && toStoredTask(row);
    },

    /** The task, in the bin or out of it. */
    async findTask(key: TaskKey): Promise<StoredTask | undefined> {
      const [row] = await read(() => rowsOf<TaskRow>(anyTask, { ...key }));
      return row && toStoredTask(row);
    },

    /** The user's counter; 0 for a user who never had a task. */
    async readRevision(user_id: string): Promise<number> {
      const [row] = await read(() => rowsOf<{ revision: number | string }>(counter, { user_id }));
      return Number(row?.revision ?? 0);
    },

    async readPage({ user_id, filter, sort, limit, place, counted }: PageRequest): Promise<Page> {
      const start = place === undefined ? 'first' : place.key === null ? 'after null' : 'after value';
      const statement = pages([shapeOf(filter), sort, start, counted].join(), { filter, sort, start, counted });
      const parameters = { ...parametersOf(filter), ...place, user_id, limit };
      const rows = await read(() => rowsOf<PageRow>(statement, parameters));
      return {
        tasks: isEmpty(rows) ? [] : rows.map((row) => toListedTask(row, user_id)),
        revision: Number(rows[0]?.list_revision ?? 0),
        total: counted ? Number(rows[0]?.total ?? 0) : undefined,
      };
    },
  };
}

type PageRow = ListedRow & { list_revision: number | string; total?: number | string };

/** An empty page has one row without a task. */
const isEmpty = ([first]: readonly { id: string | null }[]) => first?.id === null;

/** What is the same in every row is left out: each column makes a page one percent dearer. */
const { user_id: _, deleted_at, ...listedColumns } = taskColumns;

interface PageShape {
  filter: TaskFilter;
  sort: Sort;
  start: 'first' | 'after value' | 'after null';
  counted: boolean;
}

/** Keyset paging, never OFFSET. Parameters: `user_id`, the filter's values, `key` and `id` of the place, and `limit`. */
function preparePage(db: Drizzle, { filter, sort, start, counted }: PageShape) {
  const { key, descending } = splitSort(sort);
  const column = SORTED_BY[key];
  const matching = matches(filter);
  const nullable = mayBeNull(filter, key);
  const order = descending
    ? [nullable ? descendingNullsLast(column) : desc(column), desc(tasks.id)]
    : [asc(column), asc(tasks.id)];
  const page = db
    .select(filter.deleted ? { ...listedColumns, deleted_at } : listedColumns)
    .from(tasks)
    .where(and(matching, beyond(filter, sort, start)))
    .orderBy(...order)
    .limit(parameter('limit'))
    .as('page');
  const total = db.select({ total: count() }).from(tasks).where(matching);
  // The counter's row comes from the same snapshot: without it an empty page would have no revision.
  const query = db
    .select({
      list_revision: expression<number>(userRevisions.revision).as('list_revision'),
      ...page._.selectedFields,
      ...(counted && { total: scalar<number>(total).as('total') }),
    })
    .from(userRevisions)
    .leftJoinLateral(page, expression(true))
    .where(eq(userRevisions.user_id, parameter('user_id')));
  return query.prepare(statementName('list_tasks', query));
}

/** What the database sorts by, for each key. */
const SORTED_BY: Record<SortKey, SQLWrapper> = {
  created_at: tasks.created_at,
  updated_at: tasks.updated_at,
  completed_at: tasks.completed_at,
  due: tasks.due,
  title: asRead(tasks.title),
  priority: tasks.priority,
  order: widened(tasks.order, tasks.wide_order),
};

/** The rows after the place that `key` and `id` name. NULLs come last whichever way the sort goes. */
function beyond(filter: TaskFilter, sort: Sort, start: PageShape['start']): SQL | undefined {
  const { key, descending } = splitSort(sort);
  const column = SORTED_BY[key];
  if (start === 'first') return undefined;
  if (start === 'after null')
    return and(isNull(column), descending ? lt(tasks.id, parameter('id')) : gt(tasks.id, parameter('id')));
  const further = rowIsBeyond([column, tasks.id], ['key', 'id'], descending);
  return mayBeNull(filter, key) ? or(further, isNull(column)) : further;
}

/** Whether some tasks may have no value to sort by; where none can, an index does the sorting. */
function mayBeNull(filter: TaskFilter, key: SortKey): boolean {
  const { first, last } = dueEndsOf(filter);
  return key === 'due' ? !(first || last || filter.has_due) : key === 'completed_at' && filter.completed !== true;
}
