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
  return typeof value === 'string' ? value : dayOf(Math.floor(value.getTime() / MS_PER_DAY));
}

/** RFC 3339 in UTC with milliseconds: what `Date.prototype.toISOString` writes, in a third of the time. */
export function toRfc3339(value: DriverInstant): string {
  const time = typeof value === 'string' ? Date.parse(value) : value.getTime();
  const day = Math.floor(time / MS_PER_DAY);
  let rest = time - day * MS_PER_DAY;
  const ms = rest % 1000;
  rest = (rest - ms) / 1000;
  const seconds = rest % 60;
  rest = (rest - seconds) / 60;
  const minutes = rest % 60;
  const hours = (rest - minutes) / 60;
  return `${dayOf(day)}T${TWO_DIGITS[hours]}:${TWO_DIGITS[minutes]}:${TWO_DIGITS[seconds]}.${THREE_DIGITS[ms]}Z`;
}

const MS_PER_DAY = 24 * 60 * 60 * 1000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const THREE_DIGITS = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));

/** The days of the instants that were asked for last: those of a page are mostly of the same few. */
const days = new Map<number, string>();
const MAX_DAYS = 4096;

function dayOf(number: number): string {
  let text = days.get(number);
  if (text === undefined) {
    if (days.size === MAX_DAYS) days.clear();
    text = new Date(number * MS_PER_DAY).toISOString().slice(0, 10);
    days.set(number, text);
  }
  return text;
}
