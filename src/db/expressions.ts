/** The few SQL expressions that Drizzle's builder cannot say. Nothing outside `src/db` writes SQL; values are bound. */
import { type Column, type SQL, type SQLWrapper, sql, type WithSubquery } from 'drizzle-orm';
import { makePgArray, type PgTable } from 'drizzle-orm/pg-core';

/** A named parameter, given its value when a prepared statement runs. */
export const parameter = (name: string) => sql.placeholder(name);

/** No driver takes an array as it is; all take PostgreSQL's text for one. */
const arrayAsText = { mapToDriverValue: (value: unknown) => (Array.isArray(value) ? makePgArray(value) : value) };

/** A parameter, a column or a constant of our own where the builder wants an expression. */
export const expression = <T>(value: SQLWrapper | number | boolean): SQL<T> =>
  typeof value === 'object' ? sql`${value}` : (sql.raw(String(value)) as SQL<T>);

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

export const greatest = <T>(first: SQLWrapper, second: SQLWrapper): SQL<T> => sql`greatest(${first}, ${second})`;

/** `yes` where `condition` is true, else `no`; without `no`, NULL. */
export const when = <T>(condition: SQLWrapper, yes: SQLWrapper, no?: SQLWrapper): SQL<T> =>
  no === undefined
    ? sql`case when ${condition} then ${yes} end`
    : sql`case when ${condition} then ${yes} else ${no} end`;

/** A named parameter of a type that its place in the statement does not tell. */
export const typedParameter = <T>(name: string, type: string): SQL<T> =>
  sql`${sql.param(parameter(name), arrayAsText)}::${sql.raw(type)}`;

const jsonAsText = { mapToDriverValue: (value: unknown) => (value === null ? value : JSON.stringify(value)) };

/** A named parameter that is an object, or NULL. It goes as text: Bun's driver encodes a JSON parameter once more. */
export const jsonParameter = <T>(name: string): SQL<T> => sql`${sql.param(parameter(name), jsonAsText)}::text::jsonb`;

/** An object of plain values after a merge patch (RFC 7396); NULL is no keys. */
export const mergePatch = <T>(target: SQLWrapper, patch: SQLWrapper): SQL<T> =>
  sql`nullif(jsonb_strip_nulls(coalesce(${target}, '{}') || coalesce(${patch}, '{}')), '{}')`;

/** The row of a sub-query as one JSON object, its columns by their names. */
export const rowAsJson = <T>(subquery: WithSubquery): SQL<T> => sql`to_json(${sql.identifier(subquery._.alias)})`;

/** Whether the column is an element of the array in the named parameter. */
export const isElementOf = (column: Column, name: string): SQL<boolean> =>
  sql`${column} = any(${sql.param(parameter(name), arrayAsText)})`;

/** A query for the rows that arrays make, named parameters that are called like their columns: the first of each, and so on. */
export const rowsOfArrays = (columns: Record<string, string>): SQL => {
  const names = Object.keys(columns).map((name) => sql.identifier(name));
  const arrays = Object.entries(columns).map(([name, type]) => typedParameter(name, type));
  return sql`select * from unnest(${sql.join(arrays, sql`, `)}) as arrays (${sql.join(names, sql`, `)})`;
};

/** The SQL types of columns by their names. */
export const typesOf = (columns: Record<string, Column>): Record<string, string> =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.getSQLType()]));

/** A column that only a sub-query has. */
export const columnNamed = <T>(name: string): SQL.Aliased<T> => sql<T>`${sql.identifier(name)}`.as(name);

/**
 * A query for the objects of the JSON array in a named parameter, as rows that meet the condition. The parameter is
 * text, because Bun's driver encodes a JSON parameter once more.
 */
export const rowsOfJson = (name: string, types: Record<string, string>, condition: SQL): SQL => {
  const columns = Object.entries(types).map(([name, type]) => sql`${sql.identifier(name)} ${sql.raw(type)}`);
  const definitions = sql.join(columns, sql`, `);
  return sql`select * from json_to_recordset(${typedParameter(name, 'text')}::json) as rows (${definitions}) where ${condition}`;
};

/** Inequality that treats NULL as a value. */
export const isDistinctFrom = (left: SQLWrapper, right: SQLWrapper): SQL<boolean> =>
  sql`${left} is distinct from ${right}`;

/** Whether the column is one of the numbers in the named parameter; true when the parameter is NULL. */
export const isAnyOf = (column: Column, name: string): SQL<boolean> => {
  const numbers = typedParameter(name, 'bigint[]');
  return sql`(${numbers} is null or ${column} = any(${numbers}))`;
};

/** Whether the column is none of the numbers in the named parameter; true when the parameter is NULL. */
export const isNoneOf = (column: Column, name: string): SQL<boolean> => {
  const numbers = typedParameter(name, 'bigint[]');
  return sql`(${numbers} is null or ${column} <> all(${numbers}))`;
};

/** The condition, where the named parameter is not NULL; else true. */
export const unlessNull = (name: string, type: string, condition: SQLWrapper | undefined): SQL<boolean> =>
  sql`(${typedParameter(name, type)} is null or ${condition})`;

/** A word of our own as a text. */
export const word = (text: string): SQL<string> => sql.raw(`'${text}'::text`) as SQL<string>;

/** The sum over the rows that meet the condition. */
export const sumWhere = (value: SQLWrapper, condition: SQLWrapper | undefined): SQL<number> =>
  sql`sum(${value}) filter (where ${condition})`;

/** In the columns of a query: a row for each element of the array. */
export const elementsOf = (array: SQLWrapper): SQL<string> => sql`unnest(${array})`;

/** Whether the column is one of those in the named parameter. */
export const isOneOf = (column: Column, name: string, type: string): SQL<boolean> =>
  sql`${column} = any(${typedParameter(name, `${type}[]`)})`;

/** Whether the column has a value, as the named parameter says. */
export const hasValue = (column: Column, name: string): SQL<boolean> =>
  sql`(${column} is not null) = ${typedParameter(name, 'boolean')}`;

/** Whether the instant in the column is in the ranges in the named parameter. */
export const isWithin = (column: Column, name: string): SQL<boolean> =>
  sql`${column} <@ ${typedParameter(name, 'tstzmultirange')}`;

/** The text of spans as ranges: each from the first up to the second, which is not in it; null is no end. */
export const rangesOf = (spans: readonly (readonly [string | null, string | null])[]): string =>
  `{${spans.map(([from, before]) => `[${from ?? ''},${before ?? ''})`).join()}}`;

/** Whether the array column has every element of the array in the named parameter. */
export const containsAll = (column: Column, name: string): SQL<boolean> =>
  sql`${column} @> ${typedParameter(name, 'text[]')}`;

/**
 * Whether the column matches one of the LIKE patterns in the named parameters, whatever the case of either: both in capitals, by
 * ICU's rules, which every server has, and not by those of its locale. Small letters would not do: that of a capital
 * sigma depends on where in a word it stands.
 */
export const matchesInAnyCase = (column: Column, names: string[]): SQL<boolean> => {
  const patterns = names.map((name) => sql`upper(${parameter(name)} collate "und-x-icu")`);
  return sql`upper(${column} collate "und-x-icu") like any (array[${sql.join(patterns, sql`, `)}])`;
};

/** Text in the order in which people read it, by ICU's root collation: every server has it, whatever its locale. */
export const asRead = (column: SQLWrapper): SQL<string> => sql`${column} collate "und-x-icu"`;

/** The number in `wide`, where `narrow`, of 32 bits, is the one nearest to it; else that in `narrow`. */
export const widened = (narrow: Column, wide: Column): SQL<number> =>
  sql`case ${narrow} when 2147483647 then greatest(${narrow}, ${wide}) when -2147483648 then least(${narrow}, ${wide}) else ${narrow} end`;

/** Whether the columns, compared as a row, come after the named parameters, or before them when descending. */
export const rowIsBeyond = (columns: SQLWrapper[], names: string[], descending: boolean): SQL<boolean> => {
  const row = sql.join(columns, sql`, `);
  const place = sql.join(names.map(parameter), sql`, `);
  return descending ? sql`(${row}) < (${place})` : sql`(${row}) > (${place})`;
};

/** Whether the columns, as a row, are among the rows of a query. */
export const rowIsIn = (columns: Column[], query: SQLWrapper): SQL<boolean> =>
  sql`(${sql.join(columns, sql`, `)}) in (${query})`;

export const descendingNullsLast = (column: SQLWrapper): SQL => sql`${column} desc nulls last`;

/** A statement that waits until no other transaction holds the lock of this number. */
export const lockUntilCommit = (key: number): SQL => sql`select pg_advisory_xact_lock(${key})`;

/** A statement that lifts the time limit of statements until the transaction ends. */
export const withoutTimeLimit = (): SQL => sql`set local statement_timeout = 0`;

/** A statement that writes all that has changed into its place, so that the log before it is no longer needed. */
export const checkpoint = (): SQL => sql`checkpoint`;

/** A statement that makes the room of dead rows free. */
export const vacuum = (table: PgTable): SQL => sql`vacuum ${table}`;

/** A statement that yields how many bytes of log there are since the last checkpoint, as `bytes`. */
export const logSinceCheckpoint = (): SQL =>
  sql`select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::bigint as bytes from pg_control_checkpoint()`;

/** A statement after which the files of the cluster may be copied, with a checkpoint at once. */
export const startBackup = (label: string): SQL => sql`select pg_backup_start(${label}, true)`;

/** A statement that ends it; yields the `label` that belongs into the copy, and the `last` file of the log that does. */
export const endBackup = (): SQL =>
  sql`select labelfile as label, pg_walfile_name(lsn) as last from pg_backup_stop(false)`;
