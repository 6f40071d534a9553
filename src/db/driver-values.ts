/** The values that drivers hand over, each in its own form, as the values of the API. */
import type { Column } from 'drizzle-orm';
import type { PgPreparedQuery, PreparedQueryConfig } from 'drizzle-orm/pg-core';

/** Runs a prepared statement and returns its rows as the driver made them: Drizzle's own mapping doubles a list's cost. */
export function rowsOf<Row>(statement: PreparedStatement, parameters: Record<string, unknown>): Promise<Row[]> {
  return (statement as unknown as { all(parameters: Record<string, unknown>): Promise<Row[]> }).all(parameters);
}

export type PreparedStatement = Pick<PgPreparedQuery<PreparedQueryConfig>, 'execute'>;

/** Bun.SQL hands over a `Date`, the other drivers PostgreSQL's own text: `2026-12-01 09:30:00.5+00`. */
export type DriverInstant = Date | string;

/** A calendar day, `2026-12-01`; a driver that knows only instants hands over its first one in UTC. */
export function toDay(value: DriverInstant): string {
  return typeof value === 'string' ? value : value.toISOString().slice(0, 10);
}

/** RFC 3339 in UTC with milliseconds. */
export function toRfc3339(value: DriverInstant): string {
  return (typeof value === 'string' ? new Date(value) : value).toISOString();
}

/** The rows of these columns as a driver hands them over. */
export type DriverRow<Columns extends Record<string, Column>> = {
  [Name in keyof Columns]:
    | DriverValue<Columns[Name]['_']>
    | (Columns[Name]['_']['notNull'] extends true ? never : null);
};

type DriverValue<Config extends Column['_']> = unknown extends Config['driverParam']
  ? Config['data']
  : Date extends Config['driverParam']
    ? DriverInstant
    : Config['data'] extends number
      ? number | string
      : Config['data'];
