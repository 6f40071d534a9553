/**
 * The tables. Every rule of the API is a named constraint here too, so that no client, script or bug can store a task
 * that the API would refuse. Every key begins with `user_id`: a user's tasks lie together, and a distributed PostgreSQL
 * can shard by it.
 */
import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  json,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { type DriverInstant, toDay, toRfc3339 } from './driver-values.ts';

export const PRIORITIES = ['none', 'low', 'medium', 'high'] as const;

/** What a task may hold, for the constraints here and the schemas of the API. Lengths are in Unicode code points. */
export const LIMITS = {
  userId: 255,
  title: 500,
  description: 10_000,
  project: 100,
  tags: 20,
  tag: 50,
  metadataKeys: 50,
  metadataKey: 40,
  metadataText: 500,
  idempotencyKey: 255,
} as const;

/** The numbers that a column of 32 bits holds. */
export const INT32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 } as const;

/** What `String.prototype.trim` removes: the white space and line terminators of ECMAScript. */
const TRIMMED_CHARACTERS =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';

/** Text ordered and compared by code point: the same on every server, whatever its locale or ICU version. */
const codePointText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });

/** An instant with milliseconds, in code as RFC 3339 in UTC. */
const instant = customType<{ data: string; driverData: DriverInstant }>({
  dataType: () => 'timestamp (3) with time zone',
  fromDriver: toRfc3339,
});

/** A calendar day without a time zone, `2026-12-01`. */
const day = customType<{ data: string; driverData: DriverInstant }>({ dataType: () => 'date', fromDriver: toDay });

/** The client's own keys of a task. */
export type Metadata = Record<string, string | number | boolean>;

/** Bun's driver encodes a JSON parameter once more, so it goes as text. */
const metadata = customType<{ data: Metadata }>({
  dataType: () => 'jsonb',
  toDriver: (value) => sql`${JSON.stringify(value)}::text::jsonb`,
});

export const taskPriority = pgEnum('task_priority', PRIORITIES);

/**
 * One counter per user. Its row lock is held until a write commits, so a user's revisions become visible in order:
 * a reader that has seen revision n will never find a lower one appear later.
 */
export const userRevisions = pgTable(
  'user_revisions',
  {
    user_id: codePointText().primaryKey(),
    revision: bigint({ mode: 'number' }).notNull(),
  },
  (table) => [check('user_revisions_revision_positive', sql`${table.revision} > 0`)],
);

export const tasks = pgTable(
  'tasks',
  {
    id: uuid().notNull(),
    user_id: codePointText().notNull(),
    title: codePointText().notNull(),
    description: text(),
    completed: boolean().notNull(),
    completed_at: instant(),
    priority: taskPriority().notNull(),
    tags: text().array().notNull(),
    /** The list that it belongs to, by name. */
    project: codePointText(),
    due_date: day(),
    due_at: instant(),
    /** Not to be done before this day. */
    start_date: day(),
    /** The nearest number of 32 bits: a wider column would have the whole table rewritten, and fail older processes. */
    order: integer().notNull(),
    /** The number itself, where 32 bits are too few; it counts only beside the nearest one of 32 bits in `order`. */
    wide_order: bigint({ mode: 'number' }),
    /** NULL is no keys. */
    metadata: metadata(),
    created_at: instant().notNull(),
    updated_at: instant().notNull(),
    revision: bigint({ mode: 'number' }).notNull(),
    /** Set by a deletion, cleared by a restore; a task that has it is in the bin and in no other read. */
    deleted_at: instant(),
    /** What `sort=due` orders by: a day counts as its first instant in UTC. */
    due: instant().generatedAlwaysAs(
      (): SQL => sql`coalesce(${tasks.due_at}, ${tasks.due_date}::timestamp at time zone 'UTC')`,
    ),
  },
  // Only the sort by creation has an index: others would cost every write, and one user's tasks are sorted in a moment.
  (table) => [
    primaryKey({ name: 'tasks_pkey', columns: [table.user_id, table.id] }),
    // Delta sync, and the guarantee that no two changes share a number. Every change adds an entry to it.
    uniqueIndex('tasks_user_revision').on(table.user_id, table.revision),
    // The default list, newest first: read backwards. Partial, so that a full bin costs it nothing.
    index('tasks_user_created').on(table.user_id, table.created_at, table.id).where(sql`${table.deleted_at} is null`),
    // The same for open tasks, for users who have completed many; completing a task adds no entry.
    index('tasks_user_open')
      .on(table.user_id, table.created_at, table.id)
      .where(sql`${table.deleted_at} is null and not ${table.completed}`),
    // The bin; only deletions pay for it.
    index('tasks_user_bin').on(table.user_id, table.created_at, table.id).where(sql`${table.deleted_at} is not null`),
    // due_before and due_after; tasks without a due time cost it nothing.
    index('tasks_user_due')
      .on(table.user_id, table.due, table.id)
      .where(sql`${table.deleted_at} is null and ${table.due} is not null`),
    check(
      'tasks_user_id_valid',
      sql`char_length(${table.user_id}) between 1 and ${literal(LIMITS.userId)} and ${table.user_id} !~ '[\\u0001-\\u001f\\u007f-\\u009f]'`,
    ),
    check('tasks_title_length', sql`char_length(${table.title}) between 1 and ${literal(LIMITS.title)}`),
    check('tasks_title_trimmed', sql`${table.title} = btrim(${table.title}, ${unicodeLiteral(TRIMMED_CHARACTERS)})`),
    check('tasks_description_length', sql`char_length(${table.description}) <= ${literal(LIMITS.description)}`),
    check('tasks_completed_at_matches', sql`${table.completed} = (${table.completed_at} is not null)`),
    check(
      'tasks_project_valid',
      sql`char_length(${table.project}) between 1 and ${literal(LIMITS.project)} and ${table.project} = btrim(${table.project}, ${unicodeLiteral(TRIMMED_CHARACTERS)})`,
    ),
    check('tasks_tags_count', sql`cardinality(${table.tags}) <= ${literal(LIMITS.tags)}`),
    // One dimension, no NULL, each trimmed, in lower case, 1 to 50 characters and only once. An object has each key
    // once, so its number of pairs tells repeats, and its keys can be matched one by one without a sub-query, which
    // a CHECK may not hold.
    check(
      'tasks_tags_valid',
      sql`coalesce(array_ndims(${table.tags}), 1) = 1 and coalesce(array_lower(${table.tags}, 1), 1) = 1 and array_position(${table.tags}, null) is null and jsonb_array_length(jsonb_path_query_array(jsonb_object(${table.tags}, ${table.tags}), '$.keyvalue()')) = cardinality(${table.tags}) and not jsonb_path_exists(jsonb_object(${table.tags}, ${table.tags}), '$.keyvalue() ? (!(@.key like_regex "${tagPattern()}" flag "s"))')`,
    ),
    check('tasks_due_once', sql`${table.due_date} is null or ${table.due_at} is null`),
    check('tasks_due_date_range', sql`${table.due_date} between '1970-01-01' and '9999-12-31'`),
    check('tasks_due_at_range', sql`${table.due_at} between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z'`),
    check('tasks_start_date_range', sql`${table.start_date} between '1970-01-01' and '9999-12-31'`),
    check(
      'tasks_wide_order_range',
      sql`${table.wide_order} between ${literal(Number.MIN_SAFE_INTEGER)} and ${literal(INT32.minimum - 1)} or ${table.wide_order} between ${literal(INT32.maximum + 1)} and ${literal(Number.MAX_SAFE_INTEGER)}`,
    ),
    // An object of 1 to 50 keys. Its values are plain; a bound in a regular expression may be 255 at most.
    check(
      'tasks_metadata_valid',
      sql`jsonb_typeof(${table.metadata}) = 'object' and jsonb_array_length(jsonb_path_query_array(${table.metadata}, 'strict $.keyvalue()')) between 1 and ${literal(LIMITS.metadataKeys)} and not jsonb_path_exists(${table.metadata}, 'strict $.keyvalue() ? (!(@.key like_regex "^.{1,${literal(LIMITS.metadataKey)}}$" flag "s") || (@.value.type() != "string" && @.value.type() != "number" && @.value.type() != "boolean") || (@.value.type() == "string" && !(@.value like_regex "^.{0,250}.{0,${literal(LIMITS.metadataText - 250)}}$" flag "s")))')`,
    ),
    check(
      'tasks_times_range',
      sql.join(
        [table.created_at, table.updated_at, table.completed_at, table.deleted_at].map(
          (time) => sql`${time} between '1970-01-01T00:00:00Z' and '9999-12-31T23:59:59.999Z'`,
        ),
        sql` and `,
      ),
    ),
    check('tasks_revision_positive', sql`${table.revision} > 0`),
  ],
);

const { due: _due, ...written } = getTableColumns(tasks);

/** All columns but the one that PostgreSQL generates. */
export const taskColumns = written;

/** The first answer to each request that carried an Idempotency-Key, for its repeats. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    user_id: codePointText().notNull(),
    key: codePointText().notNull(),
    /** SHA-256 of the request, so that another request under the same key can be told from a repeat. */
    fingerprint: codePointText().notNull(),
    /** The task as the first answer showed it; json and not jsonb, which would put its fields in another order. */
    task: json().notNull(),
    created_at: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [table.user_id, table.key] }),
    // For the purge of what is too old.
    index('idempotency_keys_created').on(table.created_at),
    check(
      'idempotency_keys_key_length',
      sql`char_length(${table.key}) between 1 and ${literal(LIMITS.idempotencyKey)}`,
    ),
  ],
);

/** DDL takes no bound parameters, so a limit is written into it. */
function literal(value: number): SQL {
  return sql.raw(String(value));
}

/** The characters as a literal of visible escapes: `U&'\0020\3000'`. */
function unicodeLiteral(characters: string): SQL {
  return sql.raw(`U&'${hexadecimal(characters, '\\')}'`);
}

/** A regular expression inside a jsonpath string: no capital of ASCII, no white space at either end. */
function tagPattern(): SQL {
  const inner = '[^A-Z]';
  const outer = `[^A-Z${hexadecimal(TRIMMED_CHARACTERS, '\\u')}]`;
  return sql.raw(`^${outer}(${inner}{0,${LIMITS.tag - 2}}${outer})?$`);
}

function hexadecimal(characters: string, prefix: string): string {
  return Array.from(characters, (c) => prefix + c.charCodeAt(0).toString(16).padStart(4, '0')).join('');
}
