/** What the drivers hand over, made into what the rest of the code works with. */
import type { PgPreparedQuery, PreparedQueryConfig } from 'drizzle-orm/pg-core';
import type { StoredTask } from './schema.ts';

/** A prepared statement, asked for rows as the driver has them. */
export function rowsOf<Row>(statement: PreparedStatement, parameters: Record<string, unknown>): Promise<Row[]> {
  return (statement as unknown as { all(parameters: Record<string, unknown>): Promise<Row[]> }).all(parameters);
}

type PreparedStatement = Pick<PgPreparedQuery<PreparedQueryConfig>, 'execute'>;

/** Bun.SQL hands over a `Date`, the other drivers the server's own text: `2026-12-01 09:30:00.5+00`. */
export type DriverInstant = Date | string;

/** A task as the driver of the database has it: under the names of its columns, in types of the driver's own. */
export type TaskRow = {
  [K in keyof StoredTask]: K extends 'created_at' | 'updated_at'
    ? DriverInstant
    : K extends 'completed_at' | 'due_at' | 'due_date'
      ? DriverInstant | null
      : K extends 'revision'
        ? number | string
        : StoredTask[K];
};

/**
 * A task out of its row. Drizzle's own mapping goes through a table of columns for each value of each row, which for a
 * page of 50 costs more than all else the service does; this is the same by hand.
 */
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
    order: row.order,
    created_at: toRfc3339(row.created_at),
    updated_at: toRfc3339(row.updated_at),
    revision: Number(row.revision),
  };
}

/** A calendar day; a driver that knows only instants hands over its first one in UTC. */
export function toDay(value: DriverInstant): string {
  return typeof value === 'string' ? value : value.toISOString().slice(0, 10);
}

/** RFC 3339 in UTC with milliseconds. */
export function toRfc3339(value: DriverInstant): string {
  return (typeof value === 'string' ? new Date(value) : value).toISOString();
}
