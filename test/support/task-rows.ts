/** What a list must show, said once more and in another way: plain code over rows in memory. */
import fc from 'fast-check';
import { PRIORITIES, tasks, userRevisions } from '../../src/db/schema.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { SORT_KEYS, type Sort, type SortKey } from '../../src/tasks/schema.ts';
import { ORIGIN } from './app.ts';
import type { TestDatabase } from './databases.ts';

/** A task of a user that is named elsewhere. */
export type Row = Omit<typeof tasks.$inferSelect, 'user_id' | 'due'>;

/** The parameters of a query, as they are sent. */
export interface Filter {
  completed?: 'true' | 'false';
  priority?: Row['priority'];
  tag?: string[];
  q?: string;
  due_before?: string;
  due_after?: string;
  deleted?: 'true' | 'false';
}

export const SORTS: readonly Sort[] = SORT_KEYS.flatMap((key) => [key, `-${key}` as const]);

/** The rows that the filter matches, in the order of the sort. */
export function select(rows: readonly Row[], filter: Filter, sort: Sort = '-created_at'): Row[] {
  return rows.filter((row) => matches(row, filter)).sort((a, b) => compare(a, b, sort));
}

export function matches(row: Row, { completed, priority, tag = [], q, due_before, due_after, deleted }: Filter) {
  const due = dueOf(row);
  return (
    (row.deleted_at !== null) === (deleted === 'true') &&
    (completed === undefined || String(row.completed) === completed) &&
    (priority === undefined || row.priority === priority) &&
    tag.every((name) => row.tags.includes(name.trim().toLowerCase())) &&
    (q === undefined || contains(row.title, q) || contains(row.description ?? '', q)) &&
    (due_before === undefined || (due !== null && due < new Date(due_before))) &&
    (due_after === undefined || (due !== null && due > new Date(due_after)))
  );
}

/** Upper case, and not lower: of Σ there are two small letters, and which one it is depends on where it stands. */
function contains(text: string, part: string): boolean {
  return text.toUpperCase().includes(part.toUpperCase());
}

function dueOf({ due_at, due_date }: Row): Date | null {
  const due = due_at ?? due_date;
  return due === null ? null : new Date(due);
}

const KEYS: Record<SortKey, (row: Row) => string | number | null> = {
  created_at: (row) => row.created_at,
  updated_at: (row) => row.updated_at,
  due: (row) => dueOf(row)?.getTime() ?? null,
  // The order of the bytes of UTF-8 is that of the code points; that of UTF-16 is another.
  title: (row) => Buffer.from(row.title).toString('hex'),
  priority: (row) => PRIORITIES.indexOf(row.priority),
  order: (row) => row.order,
};

function compare(a: Row, b: Row, sort: Sort): number {
  const descending = sort.startsWith('-');
  const keyOf = KEYS[(descending ? sort.slice(1) : sort) as SortKey];
  const [left, right] = [keyOf(a), keyOf(b)];
  if (left !== right && (left === null || right === null)) return left === null ? 1 : -1;
  const difference = order(left ?? 0, right ?? 0) || order(a.id, b.id);
  return descending ? -difference : difference;
}

function order<T extends string | number>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The task as a client sees it. */
export function toTask(row: Row, user_id: string): Task {
  const { wide_order, ...task } = row;
  return {
    ...task,
    order: wide_order ?? row.order,
    metadata: row.metadata ?? {},
    user_id,
    url: `${ORIGIN}/api/${user_id}/tasks/${row.id}`,
  };
}

export function toQuery({ tag = [], ...filter }: Filter, sort?: Sort): string {
  const query = new URLSearchParams({ ...filter, ...(sort && { sort }) });
  for (const name of tag) query.append('tag', name);
  return query.size === 0 ? '' : `?${query}`;
}

/** Stores rows as they are, past the service, which would give each an id and times of its own. */
export async function store({ db }: TestDatabase, user_id: string, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  await db.insert(tasks).values(rows.map((row) => ({ ...row, user_id })));
  await db.insert(userRevisions).values({ user_id, revision: Math.max(...rows.map(({ revision }) => revision)) });
}

export function rowOf(n: number, fields: Partial<Row> = {}): Row {
  return {
    id: `01980a3e-7c00-7000-8000-${n.toString(16).padStart(12, '0')}`,
    title: 'Buy milk',
    description: null,
    completed: false,
    completed_at: null,
    priority: 'medium',
    tags: [],
    project: null,
    due_date: null,
    due_at: null,
    start_date: null,
    order: 0,
    wide_order: null,
    metadata: null,
    created_at: INSTANTS[0],
    updated_at: INSTANTS[0],
    revision: n + 1,
    deleted_at: null,
    ...fields,
  };
}

/** Few, so that ties are many; the day is the first instant, seen as a day. */
const INSTANTS = ['2026-12-01T00:00:00.000Z', '2026-12-01T00:00:00.001Z', '2026-12-02T12:00:00.000Z'] as const;
const DAY = '2026-12-01';

/** What a pattern gives a meaning to, letters whose case is not of ASCII, and two that UTF-16 puts in the wrong order. */
const LETTERS = ['a', 'A', 'b', '%', '_', '\\', 'é', 'É', 'σ', 'ς', 'Σ', 'ж', 'Ж', '🦊', 'ｚ'];

const text = (minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...LETTERS), { minLength, maxLength }).map((letters) => letters.join(''));
const instant = fc.constantFrom(...INSTANTS);
const tags = fc.uniqueArray(fc.constantFrom('home', 'work', 'a%', 'é'), { maxLength: 4 });

const fields = fc.record({
  title: text(1, 4),
  description: fc.option(text(0, 4)),
  completed_at: fc.option(instant),
  priority: fc.constantFrom(...PRIORITIES),
  tags,
  due: fc.oneof(
    fc.constant({ due_date: null, due_at: null }),
    fc.constant({ due_date: DAY, due_at: null }),
    instant.map((due_at) => ({ due_date: null, due_at })),
  ),
  order: fc.constantFrom(-(2 ** 31), -1, 0, 2 ** 31 - 1),
  created_at: instant,
  updated_at: instant,
  deleted_at: fc.oneof(fc.constant(null), fc.constant(null), instant),
});

/** The tasks of a user, their ids in no order. */
export const anyRows: fc.Arbitrary<Row[]> = fc
  .uniqueArray(fc.tuple(fc.nat(0xffff), fields), { maxLength: 30, selector: ([number]) => number })
  .map((drawn) =>
    drawn.map(([number, { due, ...rest }], n) => ({
      ...rowOf(number),
      ...rest,
      ...due,
      completed: rest.completed_at !== null,
      revision: n + 1,
    })),
  );

const time = fc.constantFrom(...INSTANTS, DAY, '2026-12-01T01:00:00+01:00', '2026-12-03', '1970-01-01');
const trueOrFalse = fc.constantFrom('true' as const, 'false' as const);

const anyValue = fc.record({
  completed: trueOrFalse,
  priority: fc.constantFrom(...PRIORITIES),
  tag: fc.array(fc.constantFrom('home', ' HOME ', 'work', 'a%', 'É'), { minLength: 1, maxLength: 3 }),
  q: text(1, 2),
  due_before: time,
  due_after: time,
  deleted: trueOrFalse,
});

const NAMES = ['completed', 'priority', 'tag', 'q', 'due_before', 'due_after', 'deleted'] as const;

/** Up to three parameters: more would match nothing nearly always. */
export const anyFilter: fc.Arbitrary<Filter> = fc
  .tuple(anyValue, fc.subarray([...NAMES], { maxLength: 3 }))
  .map(([values, names]) => Object.fromEntries(names.map((name) => [name, values[name]])));
