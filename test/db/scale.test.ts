/**
 * What reading costs a user with very many tasks among very many others': which index PostgreSQL takes, and how many
 * pages of 8 KiB it touches. No time is measured. `bun run test:scale` does it with 2,000,000 tasks.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { SQL } from 'bun';
import { and, asc, eq, gt } from 'drizzle-orm';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { taskColumns, tasks } from '../../src/db/schema.ts';
import type { TaskFilter } from '../../src/tasks/query.ts';
import { encodeCursor } from '../../src/tasks/query.ts';
import type { Sort, Task } from '../../src/tasks/schema.ts';
import { createTestApp } from '../support/app.ts';
import { createDatabase } from '../support/postgres.ts';

/** Tasks of one user, and as many of all the others together, 100 for each of them. */
const ROWS = Number(process.env.SCALE_ROWS ?? 100_000);
const OTHERS = ROWS / 100;
const BIG = 'big-0';
const SMALL = 'small-7';

const PAGE = 50;
/** With 1,000,000 tasks this is page 5,000. */
const DEEP_PAGE = ROWS / 4 / PAGE;

const FIRST_MS = Date.UTC(2026, 0, 1);
const SECOND_MS = 1000;
const instantOf = (row: number) => new Date(FIRST_MS + row * SECOND_MS).toISOString();
const DAY_MS = 24 * 60 * 60 * 1000;

/** Row `n` was created in second `n`, a fifth is due after 30 days, a third is done, the last of 1,000 is in the bin. */
const fill = (prefix: string, users: number) => `
  insert into tasks (user_id, id, title, description, completed, completed_at, priority, tags, due_at, "order",
    created_at, updated_at, revision, deleted_at)
  select '${prefix}-' || n % ${users}, (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    'Task number ' || n, case when nth % 2 = 0 then 'What there is to say about it' end,
    nth % 3 = 0, case when nth % 3 = 0 then at end, (enum_range(null::task_priority))[1 + nth % 3],
    case nth % 4 when 0 then '{}' else '{home,errand}' end::text[],
    case when nth % 5 = 1 then at + interval '30 days' end, nth, at, at, nth + 1,
    case when nth % 1000 = 999 then at end
  from generate_series(0, ${ROWS - 1}) as n,
    lateral (select n / ${users} as nth, ${FIRST_MS} + n * ${SECOND_MS}::bigint as ms),
    lateral (select to_timestamp(ms / 1000) as at)`;

function idOf(row: number): string {
  const time = (FIRST_MS + row * SECOND_MS).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${row.toString(16).padStart(12, '0')}`;
}

interface PlanNode {
  'Node Type': string;
  'Index Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

let last: { text: string; parameters: unknown[] } | undefined;
const url = await createDatabase();
const client = new SQL(url, { max: 1 });
const database = await openDatabase({
  url,
  dataDir: '',
  poolSize: 1,
  timeoutMs: 60_000,
  logger: {
    logQuery: (text, parameters) => {
      last = { text, parameters };
    },
  },
});
afterAll(async () => {
  await database.close();
  await client.close();
});
await migrate(database.db);
await client.unsafe(fill('big', 1));
await client.unsafe(fill('small', OTHERS));
await client`insert into user_revisions select user_id, max(revision) from tasks group by user_id`;
await client`vacuum (analyze)`;

const { call } = createTestApp(database);

/** How the statement that was sent last is carried out: its nodes, and the pages that it touches. */
async function explain(what: string) {
  const { text, parameters } = last ?? { text: '', parameters: [] };
  const [{ 'QUERY PLAN': plan }] = await client.unsafe(`explain (analyze, buffers, format json) ${text}`, parameters);
  const root: PlanNode = plan[0].Plan;
  const nodes = nodesOf(root);
  const buffers = root['Shared Hit Blocks'] + root['Shared Read Blocks'];
  const indexes = nodes.flatMap((node) => node['Index Name'] ?? []);
  console.log(`${what.padEnd(44)} ${String(buffers).padStart(4)} buffers  ${indexes.join(', ')}`);
  return { kinds: nodes.map((node) => node['Node Type']), indexes, buffers };
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** The cursor that a walk would have come to after the task in `row`. */
const cursorAfter = (row: number, key: string, sort: Sort, filter: TaskFilter = {}) =>
  encodeCursor({ key, id: idOf(row) }, sort, [BIG, filter]);

async function list(query: string, user = BIG): Promise<Task[]> {
  const { status, body } = await call<Task[]>('GET', `/api/${user}/tasks?${query}`);
  if (status !== 200) throw new Error(`${query} was answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** What differs by no more than this costs the same: a page of tasks may lie on one page of the table more. */
const SAME = 1.3;

function expectSame(buffers: number[]): void {
  expect(Math.max(...buffers) / Math.min(...buffers)).toBeLessThanOrEqual(SAME);
}

describe(`With ${ROWS.toLocaleString('en')} tasks of one user and as many of ${OTHERS.toLocaleString('en')} others`, () => {
  test(`page 1, page ${DEEP_PAGE} and the last page of the list cost the same`, async () => {
    const buffers: number[] = [];
    for (const [what, row] of [
      ['page 1', ROWS],
      [`page ${DEEP_PAGE}`, ROWS - DEEP_PAGE * PAGE],
      ['last page', PAGE],
    ] as const) {
      const cursor = row === ROWS ? '' : `&cursor=${cursorAfter(row, instantOf(row), '-created_at')}`;
      const body = await list(`limit=${PAGE}${cursor}`);
      expect(body[0]?.id).toBe(idOf(row % 1000 === 0 ? row - 2 : row - 1));
      expect(body).toHaveLength(PAGE);
      buffers.push((await explain(what)).buffers);
    }
    expectSame(buffers);
  });

  test('a read costs the same, whichever task of whichever user it is', async () => {
    const buffers: number[] = [];
    for (const [what, user, row] of [
      ['read the newest', BIG, ROWS - 2],
      ['read the oldest', BIG, 0],
      ['read one in the middle', BIG, ROWS / 2],
      ['read one of a small user', SMALL, 7],
    ] as const) {
      expect((await call('GET', `/api/${user}/tasks/${idOf(row)}`)).status).toBe(200);
      const { kinds, indexes, buffers: touched } = await explain(what);
      expect(indexes).toEqual(['tasks_pkey']);
      expect(kinds).not.toContain('Seq Scan');
      buffers.push(touched);
    }
    expectSame(buffers);
  });

  test('64 reads at once cost 64 times what one does', async () => {
    const rows = Array.from({ length: 64 }, (_, n) => n * 1000 + 1);
    await Promise.all(rows.map((row) => call('GET', `/api/${BIG}/tasks/${idOf(row)}`)));
    const { kinds, indexes, buffers } = await explain('64 reads');
    expect(indexes).toEqual(['tasks_pkey']);
    expect(kinds).not.toContain('Seq Scan');
    expect(buffers).toBeLessThanOrEqual(64 * 4);
  });

  const before = new Date(FIRST_MS + ROWS * SECOND_MS + 60 * DAY_MS).toISOString();
  const middle = ROWS / 2 + 1;
  const dueOf = (row: number) => new Date(FIRST_MS + row * SECOND_MS + 30 * DAY_MS).toISOString();
  for (const [what, query, index] of [
    ['default order', '', 'tasks_user_created'],
    [
      'default order, next page',
      `cursor=${cursorAfter(middle, instantOf(middle), '-created_at')}`,
      'tasks_user_created',
    ],
    ['oldest first', 'sort=created_at', 'tasks_user_created'],
    ['completed=false', 'completed=false', 'tasks_user_open'],
    [
      'completed=false, next page',
      `completed=false&cursor=${cursorAfter(middle, instantOf(middle), '-created_at', { completed: false })}`,
      'tasks_user_open',
    ],
    ['due_before, by due', `sort=due&due_before=${before}`, 'tasks_user_due'],
    [
      'due_before, by due, next page',
      `sort=due&due_before=${before}&cursor=${cursorAfter(middle, dueOf(middle), 'due', { due_before: before })}`,
      'tasks_user_due',
    ],
    ['due_after, by due, latest first', `sort=-due&due_after=${instantOf(0)}`, 'tasks_user_due'],
    ['due_on in a zone, by due', 'sort=due&due_on=2026-01-31&time_zone=Asia/Tokyo', 'tasks_user_due'],
    ['due_until, by due', 'sort=due&due_until=2026-12-01&time_zone=Asia/Tokyo', 'tasks_user_due'],
    ['has_due, by due', 'sort=-due&has_due=true', 'tasks_user_due'],
    ['the bin', 'deleted=true', 'tasks_user_bin'],
  ] as const) {
    test(`the list is read from its index as far as the page goes: ${what}`, async () => {
      expect(await list(query)).toHaveLength(PAGE);
      const { kinds, indexes, buffers } = await explain(what);
      expect(indexes).toEqual(['user_revisions_pkey', index]);
      expect(kinds.filter((kind) => /Seq Scan|Sort|Bitmap/.test(kind))).toEqual([]);
      // A row of the table for each task at most, and the way down two trees.
      expect(buffers).toBeLessThan(2 * PAGE);
    });
  }

  test('a filter on the due time alone takes an index, and sorts no more than it finds', async () => {
    expect(await list(`due_before=${dueOf(200)}`)).toHaveLength(40);
    const { kinds, indexes, buffers } = await explain('due_before, few');
    expect(indexes).toEqual(['user_revisions_pkey', 'tasks_user_due']);
    expect(kinds).not.toContain('Seq Scan');
    expect(buffers).toBeLessThan(2 * PAGE);
    expect(await list(`due_before=${before}`)).toHaveLength(PAGE);
    const many = await explain('due_before, many');
    expect(many.kinds.filter((kind) => /Seq Scan|Sort/.test(kind))).toEqual([]);
    expect(many.buffers).toBeLessThan(2 * PAGE);
  });

  test('what changed after a revision is read from the index of revisions', async () => {
    const changes = (since: number) =>
      database.db
        .select(taskColumns)
        .from(tasks)
        .where(and(eq(tasks.user_id, BIG), gt(tasks.revision, since)))
        .orderBy(asc(tasks.revision))
        .limit(PAGE);
    for (const since of [0, ROWS / 2, ROWS - PAGE]) {
      expect(await changes(since)).toHaveLength(PAGE);
      const { kinds, indexes, buffers } = await explain(`changes since ${since}`);
      expect({ kinds, indexes }).toEqual({ kinds: ['Limit', 'Index Scan'], indexes: ['tasks_user_revision'] });
      expect(buffers).toBeLessThan(PAGE);
    }
  });
});
