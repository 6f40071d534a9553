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
  priority?: Row['priority'][];
  tag?: string[];
  project?: string;
  has_project?: 'true' | 'false';
  q?: string;
  due_before?: string;
  due_after?: string;
  has_due?: 'true' | 'false';
  due_on?: string;
  due_from?: string;
  due_until?: string;
  time_zone?: string;
  completed_after?: string;
  completed_before?: string;
  updated_after?: string;
  updated_before?: string;
  start_until?: string;
  deleted?: 'true' | 'false';
}

export const SORTS: readonly Sort[] = SORT_KEYS.flatMap((key) => [key, `-${key}` as const]);

/** The rows that the filter matches, in the order of the sort. */
export function select(rows: readonly Row[], filter: Filter, sort: Sort = '-created_at'): Row[] {
  return rows.filter((row) => matches(row, filter)).sort((a, b) => compare(a, b, sort));
}

export function matches(row: Row, filter: Filter): boolean {
  const { completed, priority, tag = [], q, due_before, due_after, deleted } = filter;
  const due = dueOf(row);
  return (
    matchesMore(row, filter) &&
    (row.deleted_at !== null) === (deleted === 'true') &&
    (completed === undefined || String(row.completed) === completed) &&
    (priority === undefined || priority.includes(row.priority)) &&
    tag.every((name) => row.tags.includes(name.trim().toLowerCase().normalize())) &&
    (q === undefined || contains(row.title, q) || contains(row.description ?? '', q)) &&
    (due_before === undefined || (due !== null && due < new Date(due_before))) &&
    (due_after === undefined || (due !== null && due > new Date(due_after)))
  );
}

function matchesMore(row: Row, filter: Filter): boolean {
  const { project, has_project, has_due, start_until } = filter;
  const isAfter = (value: string | null, bound: string | undefined) =>
    bound === undefined || (value !== null && new Date(value) > new Date(bound));
  const isBefore = (value: string | null, bound: string | undefined) =>
    bound === undefined || (value !== null && new Date(value) < new Date(bound));
  return (
    (project === undefined || row.project === project.trim().normalize()) &&
    (has_project === undefined || String(row.project !== null) === has_project) &&
    (has_due === undefined || String(dueOf(row) !== null) === has_due) &&
    isOnDays(row, filter) &&
    isAfter(row.completed_at, filter.completed_after) &&
    isBefore(row.completed_at, filter.completed_before) &&
    isAfter(row.updated_at, filter.updated_after) &&
    isBefore(row.updated_at, filter.updated_before) &&
    (start_until === undefined || row.start_date === null || row.start_date <= start_until)
  );
}

/** The definition itself: the calendar day of the instant in the zone. */
function isOnDays({ due_date, due_at }: Row, { due_on, due_from = due_on, due_until = due_on, time_zone }: Filter) {
  if (due_from === undefined && due_until === undefined) return true;
  const dayOf = (time: string) =>
    Temporal.Instant.from(time)
      .toZonedDateTimeISO(time_zone ?? 'UTC')
      .toPlainDate();
  const day = due_date ?? (due_at === null ? null : dayOf(due_at).toString());
  return day !== null && (due_from ?? '') <= day && day <= (due_until ?? '9999-12-31');
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
  completed_at: (row) => row.completed_at,
  title: (row) => row.title,
  priority: (row) => PRIORITIES.indexOf(row.priority),
  order: (row) => row.wide_order ?? row.order,
};

/** The root collation, here as English has it. */
const collator = new Intl.Collator('en');

/** Ties go by the bytes of UTF-8, whose order is that of the code points; that of UTF-16 is another. */
const compareTitles = (a: string, b: string) =>
  collator.compare(a, b) || Buffer.compare(Buffer.from(a), Buffer.from(b));

function compare(a: Row, b: Row, sort: Sort): number {
  const descending = sort.startsWith('-');
  const keyOf = KEYS[(descending ? sort.slice(1) : sort) as SortKey];
  const [left, right] = [keyOf(a), keyOf(b)];
  if (left !== right && (left === null || right === null)) return left === null ? 1 : -1;
  const byKey = keyOf === KEYS.title ? compareTitles(a.title, b.title) : order(left ?? 0, right ?? 0);
  const difference = byKey || order(a.id, b.id);
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

export function toQuery({ tag = [], priority = [], ...filter }: Filter, sort?: Sort): string {
  const query = new URLSearchParams({ ...filter, ...(sort && { sort }) });
  for (const name of tag) query.append('tag', name);
  for (const name of priority) query.append('priority', name);
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
  // The last two beside a wide one that an older process has left behind.
  order: fc.constantFrom(
    ...[-(2 ** 31), -1, 0, 2 ** 31 - 1].map((order) => ({ order, wide_order: null })),
    ...[-(2 ** 53) + 1, -(2 ** 40)].map((wide_order) => ({ order: -(2 ** 31), wide_order })),
    ...[2 ** 40, 2 ** 53 - 1].map((wide_order) => ({ order: 2 ** 31 - 1, wide_order })),
  ),
  project: fc.option(fc.constantFrom('Home', 'home', 'é')),
  start_date: fc.option(fc.constantFrom('2026-11-30', '2026-12-01', '2026-12-02')),
  created_at: instant,
  updated_at: instant,
  deleted_at: fc.oneof(fc.constant(null), fc.constant(null), instant),
});

/** The tasks of a user, their ids in no order. */
export const anyRows: fc.Arbitrary<Row[]> = fc
  .uniqueArray(fc.tuple(fc.nat(0xffff), fields), { maxLength: 30, selector: ([number]) => number })
  .map((drawn) =>
    drawn.map(([number, { due, order, ...rest }], n) => ({
      ...rowOf(number),
      ...rest,
      ...due,
      ...order,
      completed: rest.completed_at !== null,
      revision: n + 1,
    })),
  );

const time = fc.constantFrom(...INSTANTS, DAY, '2026-12-01T01:00:00+01:00', '2026-12-03', '1970-01-01');
const trueOrFalse = fc.constantFrom('true' as const, 'false' as const);

const anyValue = fc.record({
  completed: trueOrFalse,
  priority: fc.subarray([...PRIORITIES], { minLength: 1 }),
  tag: fc.array(fc.constantFrom('home', ' HOME ', 'work', 'a%', 'É'), { minLength: 1, maxLength: 3 }),
  q: text(1, 2),
  due_before: time,
  due_after: time,
  project: fc.constantFrom('Home', ' Home ', 'e\u0301', 'work'),
  has_project: trueOrFalse,
  has_due: trueOrFalse,
  due_from: fc.constantFrom('2026-11-30', '2026-12-01'),
  due_until: fc.constantFrom('2026-12-01', '2026-12-02'),
  time_zone: fc.constantFrom('Europe/Berlin', 'America/Los_Angeles', 'Pacific/Kiritimati', 'UTC'),
  completed_after: time,
  completed_before: time,
  updated_after: time,
  updated_before: time,
  start_until: fc.constantFrom('2026-11-30', '2026-12-01', '9999-12-31'),
  deleted: trueOrFalse,
});

const NAMES: (keyof Filter)[] = [
  ...(['completed', 'priority', 'tag', 'project', 'has_project', 'q', 'due_before', 'due_after', 'has_due'] as const),
  ...(['due_from', 'due_until', 'time_zone', 'completed_after', 'completed_before'] as const),
  ...(['updated_after', 'updated_before', 'start_until', 'deleted'] as const),
];

/** Up to three parameters: more would match nothing nearly always. */
export const anyFilter: fc.Arbitrary<Filter> = fc
  .tuple(anyValue, fc.subarray(NAMES, { maxLength: 3 }))
  .map(([values, names]) => Object.fromEntries(names.map((name) => [name, values[name as keyof typeof values]])));
