/** The WHERE clauses: which tasks a key, a filter or a precondition selects. Their values are named parameters. */
import { and, type Column, eq, gt, gte, isNotNull, isNull, lt, lte, not, or, type SQL } from 'drizzle-orm';
import {
  containsAll,
  expression,
  hasValue,
  isAnyOf,
  isNoneOf,
  isOneOf,
  isWithin,
  matchesInAnyCase,
  parameter,
  rangesOf,
  unlessNull,
  when,
} from '../../db/expressions.ts';
import { tasks } from '../../db/schema.ts';
import { dueDaysOf, dueEndsOf, dueRangeOf } from '../due.ts';
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
  const { completed, deleted } = filter;
  return and(
    eq(tasks.user_id, parameter('user_id')),
    deleted ? isDeleted : isLive,
    // Written out and not a parameter, so that the planner sees that the index of open tasks fits.
    completed === undefined ? undefined : completed ? expression(tasks.completed) : not(tasks.completed),
    ...dueIn(filter),
    isNarrow(filter) ? narrow() : undefined,
  );
}

/** One-sided where it can be: PostgreSQL guesses that few rows lie between two values that it does not know. */
function dueIn(filter: TaskFilter): (SQL | undefined)[] {
  const { first, last } = dueEndsOf(filter);
  if (first || last)
    return [
      first ? gte(tasks.due, parameter('due_first')) : undefined,
      last ? lte(tasks.due, parameter('due_last')) : undefined,
    ];
  if (filter.has_due === undefined) return [];
  return [filter.has_due ? isNotNull(tasks.due) : isNull(tasks.due)];
}

function narrow(): SQL | undefined {
  const after = (column: Column, name: string) => unlessNull(name, 'timestamptz', gt(column, parameter(name)));
  const before = (column: Column, name: string) => unlessNull(name, 'timestamptz', lt(column, parameter(name)));
  const onDays = expression<boolean>(
    and(gte(tasks.due_date, parameter('due_from')), lte(tasks.due_date, parameter('due_until'))) as SQL,
  );
  const patterns = ['q', 'q_decomposed'];
  return and(
    unlessNull('priorities', 'task_priority[]', isOneOf(tasks.priority, 'priorities', 'task_priority')),
    unlessNull('tags', 'text[]', containsAll(tasks.tags, 'tags')),
    unlessNull('project', 'text', eq(tasks.project, parameter('project'))),
    unlessNull('has_project', 'boolean', hasValue(tasks.project, 'has_project')),
    // Nearly all that is in the range of due times. PostgreSQL would guess one in a hundred; of a CASE it guesses half.
    unlessNull(
      'due_instants',
      'tstzmultirange',
      when(isNull(tasks.due_at), onDays, isWithin(tasks.due_at, 'due_instants')),
    ),
    after(tasks.completed_at, 'completed_after'),
    before(tasks.completed_at, 'completed_before'),
    after(tasks.updated_at, 'updated_after'),
    before(tasks.updated_at, 'updated_before'),
    unlessNull('start_until', 'date', or(isNull(tasks.start_date), lte(tasks.start_date, parameter('start_until')))),
    unlessNull('q', 'text', or(matchesInAnyCase(tasks.title, patterns), matchesInAnyCase(tasks.description, patterns))),
  );
}

/** The same string for two filters that one prepared statement serves. */
export function shapeOf(filter: TaskFilter): string {
  const { first, last } = dueEndsOf(filter);
  const due = first || last ? `${first} ${last}` : filter.has_due;
  return [filter.completed, filter.deleted ?? false, due, isNarrow(filter)].join();
}

export function parametersOf(filter: TaskFilter) {
  const { priorities, tags, project, has_project, q, start_until } = filter;
  const due = dueRangeOf(filter);
  const days = dueDaysOf(filter);
  return {
    priorities: priorities ?? null,
    tags: tags ?? null,
    project: project ?? null,
    has_project: has_project ?? null,
    q: patternOf(q),
    // Older versions stored text as it came.
    q_decomposed: patternOf(q?.normalize('NFD')),
    due_first: due.first,
    due_last: due.last,
    due_from: days?.from ?? null,
    due_until: days?.until ?? null,
    due_instants: days ? rangesOf(days.instants) : null,
    completed_after: filter.completed_after ?? null,
    completed_before: filter.completed_before ?? null,
    updated_after: filter.updated_after ?? null,
    updated_before: filter.updated_before ?? null,
    start_until: start_until ?? null,
  };
}

/** The special characters of a LIKE pattern stand for themselves. */
const patternOf = (text: string | undefined) => (text === undefined ? null : `%${text.replace(/[\\%_]/g, '\\$&')}%`);

/** Filters that no index serves. */
const NARROW = [
  'priorities',
  'tags',
  'project',
  'has_project',
  'q',
  'due_from',
  'due_until',
  'completed_after',
  'completed_before',
  'updated_after',
  'updated_before',
  'start_until',
] as const;

function isNarrow(filter: TaskFilter): boolean {
  return NARROW.some((name) => filter[name] !== undefined);
}
