/** The one table of a task's fields: the default, the normal form, and how a driver's value becomes the wire's. */
import { type DriverRow, toDay, toRfc3339 } from '../db/driver-values.ts';
import type { taskColumns } from '../db/schema.ts';
import type { NewTask, Task, WritableField } from './schema.ts';

export type TaskRow = DriverRow<typeof taskColumns>;

/** The task as it is stored: the wire's without its address. A column that the wire lacks does not compile here. */
export type StoredTask = { [Name in Exclude<keyof Task, 'url'> | keyof TaskRow]: Task[Name] };

/** The fields that a client may write, in their normal form. */
export type TaskFields = Pick<StoredTask, WritableField>;

type Required = { [Name in WritableField]: undefined extends NewTask[Name] ? never : Name }[WritableField];

type Field<Name extends WritableField> = {
  /** As it is stored; without it, as it came. Null has no other form. */
  normalForm?: (value: NonNullable<Task[Name]>) => Task[Name];
} & (Name extends Required ? unknown : { default: Task[Name] });

const FIELDS: { readonly [Name in WritableField]: Field<Name> } = {
  title: { normalForm: (title) => title.trim() },
  description: { default: null },
  completed: { default: false },
  priority: { default: 'medium' },
  tags: { default: [], normalForm: normaliseTags },
  due_date: { default: null },
  due_at: { default: null, normalForm: toRfc3339 },
  start_date: { default: null },
  // JSON has a negative zero, PostgreSQL has none.
  order: { default: 0, normalForm: (order) => order + 0 },
};

export const WRITABLE_FIELDS = Object.keys(FIELDS) as WritableField[];

/** What a new task has where the client says nothing. */
export const DEFAULTS = Object.fromEntries(
  Object.entries(FIELDS).flatMap(([name, field]) => ('default' in field ? [[name, field.default]] : [])),
) as Omit<TaskFields, Required>;

/**
 * Returns the fields that a client may write as they are stored: trimmed, lower-cased, without repeats, times in UTC.
 * Fields that the input lacks are left out, and so are the server's own, which a client may send back.
 */
export function normalise<Input extends Partial<TaskFields>>(input: Input): Pick<Input, WritableField & keyof Input>;
export function normalise(input: Partial<TaskFields>): Record<string, unknown> {
  const normal: Record<string, unknown> = {};
  for (const name of WRITABLE_FIELDS) {
    const value = input[name];
    if (value === undefined) continue;
    const { normalForm } = FIELDS[name] as { normalForm?: (value: unknown) => unknown };
    normal[name] = value === null || !normalForm ? value : normalForm(value);
  }
  return normal;
}

/** Each trimmed and in lower case; the first of each. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().toLowerCase()))];
}

/** A task out of its row. Written out, for a loop over the fields would double the cost of a page. */
export function toStoredTask(row: TaskRow): StoredTask {
  return {
    id: row.id,
    user_id: row.user_id,
    title: row.title,
    description: row.description,
    completed: row.completed,
    completed_at: row.completed_at && toRfc3339(row.completed_at),
    priority: row.priority,
    tags: row.tags,
    due_date: row.due_date && toDay(row.due_date),
    due_at: row.due_at && toRfc3339(row.due_at),
    start_date: row.start_date && toDay(row.start_date),
    order: Number(row.order),
    created_at: toRfc3339(row.created_at),
    updated_at: toRfc3339(row.updated_at),
    revision: Number(row.revision),
  };
}
