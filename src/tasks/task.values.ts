/** Values on their way between a request and a statement. */
import { makePgArray } from 'drizzle-orm/pg-core';
import type { StoredTask } from '../db/schema.ts';
import type { TaskFilter } from './task.list.ts';
import type { Precondition } from './task.precondition.ts';
import type { NewTask, TaskPatch } from './task.schema.ts';
import type { WritableField } from './task.writes.ts';

/** What a new task has where the client says nothing. */
export const DEFAULTS = {
  description: null,
  completed: false,
  priority: 'medium',
  tags: [],
  due_date: null,
  due_at: null,
  order: 0,
} satisfies Omit<NewTask, 'title'>;

/** The fields that a client may write, as they are stored: trimmed, lower-cased, without repeats, times in UTC. */
export function normalise<T extends TaskPatch>(input: T): Pick<T, WritableField>;
export function normalise(input: TaskPatch): TaskPatch {
  const { title, description, completed, priority, tags, due_date, due_at, order } = input;
  return {
    title: title?.trim(),
    description,
    completed,
    priority,
    tags: tags && normaliseTags(tags),
    due_date,
    due_at: due_at && toInstant(due_at),
    // JSON has a negative zero, PostgreSQL has not.
    order: order === undefined ? undefined : order + 0,
  };
}

function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().toLowerCase()))];
}

/** An instant in UTC; a day is its first instant. */
function toInstant(text: string): string {
  return new Date(text).toISOString();
}

export function normaliseFilter(filter: TaskFilter): TaskFilter {
  const { tags, due_before, due_after } = filter;
  return {
    ...filter,
    tags: tags && normaliseTags(tags),
    due_before: due_before && toInstant(due_before),
    due_after: due_after && toInstant(due_after),
  };
}

export function parametersOfPrecondition({ if_match, if_none_match }: Precondition) {
  return { if_match: numbers(if_match), if_none_match: if_none_match === '*' ? null : numbers(if_none_match) };
}

function numbers(values: readonly number[] | undefined): string | null {
  return values ? makePgArray([...values]) : null;
}

export function parametersOf({ priority, tags, q, due_before, due_after }: TaskFilter) {
  return {
    priority: priority ?? null,
    tags: tags ? makePgArray([...tags]) : null,
    // What is special in a LIKE pattern stands for itself.
    q: q === undefined ? null : `%${q.replace(/[\\%_]/g, '\\$&')}%`,
    due_before: due_before ?? null,
    due_after: due_after ?? null,
  };
}

/** A task out of a JSON column, where PostgreSQL writes times with an offset. */
export function fromJson(task: StoredTask): StoredTask {
  const { created_at, updated_at, completed_at, due_at } = task;
  return {
    ...task,
    created_at: toInstant(created_at),
    updated_at: toInstant(updated_at),
    completed_at: completed_at && toInstant(completed_at),
    due_at: due_at && toInstant(due_at),
  };
}
