/** The one table of a task's fields: the default, the normal form, and how a driver's value becomes the wire's. */
import { type DriverRow, toDay, toRfc3339 } from '../db/driver-values.ts';
import { INT32, type Metadata, type taskColumns } from '../db/schema.ts';
import type { NewTask, Task, TaskPatch, WritableField } from './schema.ts';

export type TaskRow = DriverRow<typeof taskColumns>;

/** A row without what is the same in all of a list. */
export type ListedRow = Omit<TaskRow, 'user_id' | 'deleted_at'> & Partial<Pick<TaskRow, 'deleted_at'>>;

/** The task as it is stored: the wire's without its address. A column that the wire lacks does not compile here. */
export type StoredTask = { [Name in Exclude<keyof Task, 'url'> | Exclude<keyof TaskRow, 'wide_order'>]: Task[Name] };

/** The fields that a client may write, in their normal form. */
export type TaskFields = Pick<StoredTask, WritableField>;

/** The fields that a change sets: a patch merges its metadata into what there is. */
export type TaskChanges = Partial<Omit<TaskFields, 'metadata'>> & Pick<TaskPatch, 'metadata'>;

type Required = { [Name in WritableField]: undefined extends NewTask[Name] ? never : Name }[WritableField];

type Field<Name extends WritableField> = {
  /** As it is stored; without it, as it came. Null has no other form. */
  normalForm?: (value: NonNullable<Task[Name]>) => Task[Name];
} & (Name extends Required ? unknown : { default: Task[Name] });

const FIELDS: { readonly [Name in WritableField]: Field<Name> } = {
  title: { normalForm: (title) => title.trim().normalize() },
  description: { default: null, normalForm: (description) => description.normalize() },
  completed: { default: false },
  priority: { default: 'medium' },
  tags: { default: [], normalForm: normaliseTags },
  project: { default: null, normalForm: (project) => project.trim().normalize() },
  due_date: { default: null },
  due_at: { default: null, normalForm: toRfc3339 },
  start_date: { default: null },
  // JSON has a negative zero, PostgreSQL has none.
  order: { default: 0, normalForm: (order) => order + 0 },
  metadata: {
    default: {},
    normalForm: (metadata) =>
      Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, value === 0 ? 0 : value])),
  },
};

export const WRITABLE_FIELDS = Object.keys(FIELDS) as WritableField[];

/** What a new task has where the client says nothing. */
export const DEFAULTS = Object.fromEntries(
  Object.entries(FIELDS).flatMap(([name, field]) => ('default' in field ? [[name, field.default]] : [])),
) as Omit<TaskFields, Required>;

/**
 * Returns the fields that a client may write as they are stored: trimmed, lower-cased, in NFC, without repeats, times in
 * UTC. Fields that the input lacks are left out, and so are the server's own, which a client may send back.
 */
export function normalise<Input extends TaskChanges>(input: Input): Pick<Input, WritableField & keyof Input>;
export function normalise(input: TaskChanges): Record<string, unknown> {
  const normal: Record<string, unknown> = {};
  for (const name of WRITABLE_FIELDS) {
    const value = input[name];
    if (value === undefined) continue;
    const { normalForm } = FIELDS[name] as { normalForm?: (value: unknown) => unknown };
    normal[name] = value === null || !normalForm ? value : normalForm(value);
  }
  return normal;
}

/** Each trimmed, in lower case and in NFC; the first of each. */
export function normaliseTags(tags: readonly string[]): string[] {
  return [...new Set(tags.map((tag) => tag.trim().toLowerCase().normalize()))];
}

/** The metadata after a patch, which is what the database makes of the two. */
export function mergeMetadata(metadata: Metadata, patch: NonNullable<TaskChanges['metadata']>): Metadata {
  const merged = Object.entries({ ...metadata, ...patch }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged) as Metadata;
}

/** The columns that hold these fields: an order beyond 32 bits takes two, no metadata is NULL. */
export function toColumns(fields: TaskChanges): Record<string, unknown> {
  const columns: Record<string, unknown> = { ...fields };
  const { order, metadata } = fields;
  if (order !== undefined) {
    columns.order = Math.max(INT32.minimum, Math.min(order, INT32.maximum));
    columns.wide_order = columns.order === order ? null : order;
  }
  if (metadata && Object.keys(metadata).length === 0) columns.metadata = null;
  return columns;
}

/** An older process writes `order` alone: a wide one is then stale. */
function orderOf(order: number, wide: number): number {
  if (order === INT32.maximum) return Math.max(order, wide);
  if (order === INT32.minimum) return Math.min(order, wide);
  return order;
}

/** A task out of its row; the row of an answer that an older version kept lacks the newer fields. */
export function toStoredTask(row: TaskRow): StoredTask {
  return toListedTask(row, row.user_id);
}

/** The same of a list. Written out, for a loop over the fields would double the cost of a page. */
export function toListedTask(row: ListedRow, user_id: string): StoredTask {
  return {
    id: row.id,
    user_id,
    title: row.title,
    description: row.description,
    completed: row.completed,
    completed_at: row.completed_at && toRfc3339(row.completed_at),
    priority: row.priority,
    tags: row.tags,
    project: row.project ?? null,
    due_date: row.due_date && toDay(row.due_date),
    due_at: row.due_at && toRfc3339(row.due_at),
    start_date: row.start_date ? toDay(row.start_date) : null,
    order: row.wide_order ? orderOf(Number(row.order), Number(row.wide_order)) : Number(row.order),
    metadata: row.metadata ?? {},
    created_at: toRfc3339(row.created_at),
    updated_at: toRfc3339(row.updated_at),
    deleted_at: row.deleted_at ? toRfc3339(row.deleted_at) : null,
    revision: Number(row.revision),
  };
}
