/** Which of a user's tasks, in which order, from where: filters, sorts and keyset paging (never OFFSET). */
import { and, asc, count, desc, eq, gt, isNotNull, isNull, lt, not, or, type SQL } from 'drizzle-orm';
import type { Drizzle } from '../db/driver.ts';
import {
  containsAll,
  descendingNullsLast,
  expression,
  matchesInAnyCase,
  parameter,
  rowIsBeyond,
  scalar,
  unlessNull,
} from '../db/expressions.ts';
import { type StoredTask, type TaskPriority, taskColumns, tasks, userRevisions } from '../db/schema.ts';
import { statementName } from '../db/shapes.ts';
import type { Place } from './task.cursor.ts';

/** Each that is given must hold. */
export interface TaskFilter {
  completed?: boolean | undefined;
  priority?: TaskPriority | undefined;
  /** The task has all of these. */
  tags?: readonly string[] | undefined;
  /** Somewhere in title or description, in any case. */
  q?: string | undefined;
  /** Due before, or after, this instant. */
  due_before?: string | undefined;
  due_after?: string | undefined;
  /** In the bin, instead of out of it. */
  deleted?: boolean | undefined;
}

export const SORT_KEYS = ['created_at', 'updated_at', 'due', 'title', 'priority', 'order'] as const;
export type SortKey = (typeof SORT_KEYS)[number];
/** A key in ascending order, or with a leading `-` in descending order. */
export type Sort = SortKey | `-${SortKey}`;

export function splitSort(sort: Sort): { key: SortKey; descending: boolean } {
  const descending = sort.startsWith('-');
  return { key: (descending ? sort.slice(1) : sort) as SortKey, descending };
}

/** Where a page begins: at the start, after a task with a sort value, or after one without. */
type Start = 'first' | 'after value' | 'after null';

export interface ListShape {
  filter: TaskFilter;
  sort: Sort;
  start: Start;
  counted: boolean;
}

/** Parameters: `user_id`, the filter's values, `key` and `id` after the start, and `limit`. */
export function prepareListTasks(db: Drizzle, { filter, sort, start, counted }: ListShape) {
  const { key, descending } = splitSort(sort);
  const column = tasks[key];
  const matching = matches(filter);
  const nullable = mayBeNull(filter, key);
  const order = descending
    ? [nullable ? descendingNullsLast(column) : desc(column), desc(tasks.id)]
    : [asc(column), asc(tasks.id)];
  const page = db
    .select(taskColumns)
    .from(tasks)
    .where(and(matching, beyond(filter, sort, start)))
    .orderBy(...order)
    .limit(parameter('limit'))
    .as('page');
  const total = db.select({ total: count() }).from(tasks).where(matching);
  // The counter's row comes along, of the same snapshot: without it an empty page would have no revision.
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

/**
 * The condition for the filter's shape; its values are parameters named like its fields. What no index can help with is
 * one shape, in which a parameter that is NULL does not count: each shape costs the server memory on every connection.
 */
export function matches(filter: TaskFilter): SQL | undefined {
  const { completed, deleted, due_before, due_after } = filter;
  return and(
    eq(tasks.user_id, parameter('user_id')),
    deleted ? isNotNull(tasks.deleted_at) : isNull(tasks.deleted_at),
    // Written out and not as a parameter, so that the index of open tasks can be seen to fit.
    completed === undefined ? undefined : completed ? expression(tasks.completed) : not(tasks.completed),
    due_before === undefined ? undefined : lt(tasks.due, parameter('due_before')),
    due_after === undefined ? undefined : gt(tasks.due, parameter('due_after')),
    isNarrow(filter)
      ? and(
          unlessNull('priority', 'task_priority', eq(tasks.priority, parameter('priority'))),
          unlessNull('tags', 'text[]', containsAll(tasks.tags, 'tags')),
          unlessNull('q', 'text', or(matchesInAnyCase(tasks.title, 'q'), matchesInAnyCase(tasks.description, 'q'))),
        )
      : undefined,
  );
}

/** What two filters have in common that one prepared statement serves. */
export function shapeOf(filter: TaskFilter): string {
  const { completed, deleted, due_before, due_after } = filter;
  return [completed, deleted ?? false, due_before !== undefined, due_after !== undefined, isNarrow(filter)].join();
}

function isNarrow({ priority, tags, q }: TaskFilter): boolean {
  return priority !== undefined || tags !== undefined || q !== undefined;
}

/** The rows after the place that `key` and `id` name. NULLs come last whichever way the sort goes. */
function beyond(filter: TaskFilter, sort: Sort, start: Start): SQL | undefined {
  const { key, descending } = splitSort(sort);
  const column = tasks[key];
  if (start === 'first') return undefined;
  if (start === 'after null')
    return and(isNull(column), descending ? lt(tasks.id, parameter('id')) : gt(tasks.id, parameter('id')));
  const further = rowIsBeyond([column, tasks.id], ['key', 'id'], descending);
  return mayBeNull(filter, key) ? or(further, isNull(column)) : further;
}

/** Whether there may be tasks without a value to sort by; where there are none, an index can do the sorting. */
function mayBeNull({ due_before, due_after }: TaskFilter, key: SortKey): boolean {
  return key === 'due' && due_before === undefined && due_after === undefined;
}

/** The place right after a task. */
export function placeOf(task: StoredTask, sort: Sort): Place {
  const { key } = splitSort(sort);
  const due = task.due_at ?? (task.due_date && `${task.due_date}T00:00:00.000Z`);
  return { key: key === 'due' ? due : task[key], id: task.id };
}
