/** The few SQL expressions that Drizzle's builder cannot say. Nothing outside `src/db` writes SQL; values are bound. */
import { type Column, type SQL, type SQLWrapper, sql } from 'drizzle-orm';

/** A named parameter, given its value when a prepared statement runs. */
export const parameter = (name: string) => sql.placeholder(name);

/** A value, parameter or column where the builder wants an expression. */
export const constant = <T>(value: SQLWrapper | number | boolean): SQL<T> => sql`${value}`;

export const plus = (left: SQLWrapper, right: SQLWrapper | number): SQL<number> => sql`${left} + ${right}`;

export const minus = (left: SQLWrapper, right: SQLWrapper): SQL<number> => sql`${left} - ${right}`;

/** In the SET of ON CONFLICT: the value that was to be inserted. */
export const excluded = (column: Column): SQL<number> => sql`excluded.${sql.identifier(column.name)}`;

/** 1 for the last row in the order of the column, 2 for the one before it, and so on. */
export const rowNumberFromLast = (column: Column): SQL<number> => sql`row_number() over (order by ${column} desc)`;

/** The single value that a query of one row and one column yields. */
export const scalar = <T>(query: SQLWrapper): SQL<T> => sql`(${query})`;

/** `first`, or `second` when `first` is NULL. */
export const coalesce = <T>(first: SQLWrapper, second: SQLWrapper): SQL<T> => sql`coalesce(${first}, ${second})`;

/** `yes` where `condition` is true, else `no`; without `no`, NULL. */
export const when = <T>(condition: SQLWrapper, yes: SQLWrapper, no?: SQLWrapper): SQL<T> =>
  no === undefined
    ? sql`case when ${condition} then ${yes} end`
    : sql`case when ${condition} then ${yes} else ${no} end`;

/** Inequality that treats NULL as a value. */
export const isDistinctFrom = (left: SQLWrapper, right: SQLWrapper): SQL<boolean> =>
  sql`${left} is distinct from ${right}`;

/** Whether the column is one of an array given as the named parameter; true when the parameter is NULL. */
export const isAnyOf = (column: Column, type: 'bigint', name: string): SQL<boolean> =>
  sql`(${parameter(name)}::${sql.raw(type)}[] is null or ${column} = any(${parameter(name)}::${sql.raw(type)}[]))`;

/** A statement that waits until no other transaction holds the lock of this number. */
export const lockUntilCommit = (key: number): SQL => sql`select pg_advisory_xact_lock(${key})`;
