/** The WHERE clauses: which tasks a key, a filter or a precondition selects. Their values are named parameters. */
import { and, type Column, eq, gt, isNotNull, isNull, lt, not, or, type SQL } from 'drizzle-orm';
import {
  containsAll,
  expression,
  isAnyOf,
  isNoneOf,
  matchesInAnyCase,
  parameter,
  unlessNull,
} from '../../db/expressions.ts';
import { tasks } from '../../db/schema.ts';
import type { Precondition, TaskFilter } from '../query.ts';

export const thisTask = and(eq(tasks.user_id, parameter('user_id')), eq(tasks.id, parameter('id')));
export const isLive = isNull(tasks.deleted_at);
export const isDeleted = isNotNull(tasks.deleted_at);

/** Whether the revision meets the precondition in the parameters `if_match` and `if_none_match`. */
export const inExpectedRevision = (revision: Column) =>
  and(isAnyOf(revision, 'if_match'), isNoneOf(revision, 'if_none_match'));

/** @param precondition without `*`, which no revision meets */
export function parametersOfPrecondition({ if_match, if_none_match }: Precondition) {
  return { if_match: if_match ?? null, if_none_match: if_none_match ?? null };
}

/**
 * The condition for the filter's shape; its values are the parameters of `parametersOf`. Filters that no index serves
 * share one shape, in which a NULL parameter does not count: each shape costs the server memory on every connection.
 */
export function matches(filter: TaskFilter): SQL | undefined {
  const { completed, deleted, due_before, due_after } = filter;
  return and(
    eq(tasks.user_id, parameter('user_id')),
    deleted ? isDeleted : isLive,
    // Written out and not a parameter, so that the planner sees that the index of open tasks fits.
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

/** The same string for two filters that one prepared statement serves. */
export function shapeOf(filter: TaskFilter): string {
  const { completed, deleted, due_before, due_after } = filter;
  return [completed, deleted ?? false, due_before !== undefined, due_after !== undefined, isNarrow(filter)].join();
}

export function parametersOf({ priority, tags, q, due_before, due_after }: TaskFilter) {
  return {
    priority: priority ?? null,
    tags: tags ?? null,
    // The special characters of a LIKE pattern stand for themselves.
    q: q === undefined ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`,
    due_before: due_before ?? null,
    due_after: due_after ?? null,
  };
}

function isNarrow({ priority, tags, q }: TaskFilter): boolean {
  return priority !== undefined || tags !== undefined || q !== undefined;
}
