/** On a serverless database the network is the cost: how many statements each operation sends, and what they read. */
import { afterAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { SQL } from 'bun';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { createTestApp, type TestApp } from '../support/app.ts';
import { makeFolder } from '../support/folder.ts';
import { linksOf } from '../support/links.ts';
import { startNeonRelay } from '../support/neon-relay.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';

interface Statement {
  text: string;
  parameters: unknown[];
}

/** The task is not in the bin, and is at its first revision; `before` is the answer to what was done first. */
type Act = (app: TestApp, task: Task, before?: Answer) => Promise<Answer>;

const KEY = { 'idempotency-key': 'k' };
const MISSING = '01980a3e-7c00-7000-8000-00000000dead';

const get =
  (query: string, headers = {}): Act =>
  ({ call, root }) =>
    call('GET', root + query, { headers });
const change =
  (method: string, path: string, body?: object, headers = {}): Act =>
  ({ call }, { url }) =>
    call(method, url + path, { body, headers });

/** What is asked, and how it is answered with how many statements. `first` is done before the count begins. */
const OPERATIONS: readonly { what: string; act: Act; status: number; statements: number; first?: Act }[] = [
  { what: 'GET /health/live', act: ({ call }) => call('GET', '/health/live'), status: 200, statements: 0 },
  { what: 'GET /health/ready', act: ({ call }) => call('GET', '/health/ready'), status: 200, statements: 1 },

  { what: 'create', act: ({ call, root }) => call('POST', root, { body: { title: 'b' } }), status: 201, statements: 1 },
  {
    what: 'create what is not valid',
    act: ({ call, root }) => call('POST', root, { body: { title: '' } }),
    status: 400,
    statements: 0,
  },
  {
    what: 'create, under a key',
    act: ({ call, root }) => call('POST', root, { body: { title: 'b' }, headers: KEY }),
    status: 201,
    statements: 1,
  },
  {
    what: 'create, repeated under its key',
    first: ({ call, root }) => call('POST', root, { body: { title: 'b' }, headers: KEY }),
    act: ({ call, root }) => call('POST', root, { body: { title: 'b' }, headers: KEY }),
    status: 201,
    statements: 2,
  },

  { what: 'list', act: get(''), status: 200, statements: 1 },
  { what: 'list, counted', act: get('', { prefer: 'count=exact' }), status: 200, statements: 1 },
  {
    what: 'list, sorted, through every filter',
    act: get(
      '?sort=-due&completed=false&priority=low&tag=a&tag=b&q=x&due_before=2030-01-01&due_after=2020-01-01&deleted=true',
    ),
    status: 200,
    statements: 1,
  },
  {
    what: 'list, a later page',
    first: async ({ create, call, root }) => {
      await create();
      return call('GET', `${root}?limit=1`);
    },
    act: ({ call }, _, before) => call('GET', linksOf(before?.headers ?? {}).next ?? ''),
    status: 200,
    statements: 1,
  },
  {
    what: 'list that has not changed',
    first: get(''),
    act: ({ call, root }, _, before) => call('GET', root, { headers: { 'if-none-match': before?.headers.etag ?? '' } }),
    status: 304,
    statements: 1,
  },
  {
    what: 'list that has changed',
    first: async (app) => {
      const before = await get('')(app, {} as Task);
      await app.create();
      return before;
    },
    act: ({ call, root }, _, before) => call('GET', root, { headers: { 'if-none-match': before?.headers.etag ?? '' } }),
    status: 200,
    statements: 2,
  },
  { what: 'list with a fault', act: get('?limit=0'), status: 400, statements: 0 },

  { what: 'read', act: change('GET', ''), status: 200, statements: 1 },
  {
    what: 'read what has not changed',
    act: change('GET', '', undefined, { 'if-none-match': '"1"' }),
    status: 304,
    statements: 1,
  },
  { what: 'read what is not there', act: get(`/${MISSING}`), status: 404, statements: 1 },
  { what: 'read what cannot be there', act: get('/7'), status: 404, statements: 0 },

  { what: 'replace', act: change('PUT', '', { title: 'b' }), status: 200, statements: 1 },
  {
    what: 'replace, conditionally',
    act: change('PUT', '', { title: 'b' }, { 'if-match': '"1"' }),
    status: 200,
    statements: 1,
  },
  {
    what: 'replace what is not there',
    act: ({ call, root }) => call('PUT', `${root}/${MISSING}`, { body: { title: 'b' } }),
    status: 404,
    statements: 2,
  },
  {
    what: 'replace another revision',
    act: change('PUT', '', { title: 'b' }, { 'if-match': '"9"' }),
    status: 412,
    statements: 2,
  },

  { what: 'patch', act: change('PATCH', '', { title: 'b' }), status: 200, statements: 1 },
  { what: 'patch without a change', act: change('PATCH', '', { title: 'Buy milk' }), status: 200, statements: 2 },
  { what: 'patch of nothing', act: change('PATCH', '', {}), status: 200, statements: 1 },
  { what: 'patch, under a key', act: change('PATCH', '', { title: 'b' }, KEY), status: 200, statements: 1 },
  {
    what: 'patch, repeated under its key',
    first: change('PATCH', '', { title: 'b' }, KEY),
    act: change('PATCH', '', { title: 'b' }, KEY),
    status: 200,
    statements: 2,
  },

  { what: 'toggle', act: change('PATCH', '/complete'), status: 200, statements: 1 },
  { what: 'complete', act: change('PATCH', '/complete', { completed: true }), status: 200, statements: 1 },
  { what: 'toggle, under a key', act: change('PATCH', '/complete', undefined, KEY), status: 200, statements: 1 },

  { what: 'delete', act: change('DELETE', ''), status: 204, statements: 1 },
  {
    what: 'delete, conditionally',
    act: change('DELETE', '', undefined, { 'if-match': '"1"' }),
    status: 204,
    statements: 1,
  },
  { what: 'delete again', first: change('DELETE', ''), act: change('DELETE', ''), status: 404, statements: 2 },
  { what: 'delete all', act: ({ call, root }) => call('DELETE', root), status: 204, statements: 1 },
  { what: 'delete none', act: ({ call, root }) => call('DELETE', `${root}?tag=x`), status: 204, statements: 1 },

  { what: 'restore', first: change('DELETE', ''), act: change('POST', '/restore'), status: 200, statements: 1 },
  {
    what: 'restore, under a key',
    first: change('DELETE', ''),
    act: change('POST', '/restore', undefined, KEY),
    status: 200,
    statements: 1,
  },
  { what: 'restore what is not in the bin', act: change('POST', '/restore'), status: 200, statements: 2 },
];

/** What may be done to tasks of different users by one statement; done over and over, it changes something each time. */
const SHARED: readonly { what: string; act: Act; before?: Act }[] = [
  { what: 'creates', act: ({ call, root }) => call('POST', root, { body: { title: 'b' } }) },
  { what: 'replacements', act: (...of) => change('PUT', '', { title: crypto.randomUUID() })(...of) },
  { what: 'patches', act: (...of) => change('PATCH', '', { title: crypto.randomUUID() })(...of) },
  { what: 'toggles', act: change('PATCH', '/complete') },
  { what: 'deletions', before: change('POST', '/restore'), act: change('DELETE', '') },
  { what: 'restores', before: change('DELETE', ''), act: change('POST', '/restore') },
];

const { folder, remove } = await makeFolder();
afterAll(remove);
const url = await createDatabase();

for (const { name, opened } of [
  { name: 'PGlite', opened: await open(undefined) },
  { name: 'PostgreSQL', opened: await open(url) },
  { name: 'Neon', opened: await open(startNeonRelay(url).urlOf(url)) },
]) {
  const { database, sent } = opened;

  describe(`Statements on ${name}`, () => {
    afterAll(database.close);

    for (const { what, first, act, status, statements } of OPERATIONS) {
      test(`${what} is ${status} with ${statements}`, async () => {
        const app = createTestApp(database);
        const task = await app.create();
        const before = await first?.(app, task);
        sent.length = 0;
        const answer = await act(app, task, before);
        expect({ status: answer.status, statements: sent.length }).toEqual({ status, statements });
      });
    }

    test('reads that come in together share a statement, up to 64 of them', async () => {
      const { call, create } = createTestApp(database);
      const { url } = await create();
      const read = (count: number) => Promise.all(Array.from({ length: count }, () => call('GET', url)));
      for (const [count, statements] of [
        [2, 1],
        [64, 1],
        [65, 2],
      ] as const) {
        sent.length = 0;
        const statuses = (await read(count)).map(({ status }) => status);
        expect({ statuses, statements: sent.length }).toEqual({ statuses: Array(count).fill(200), statements });
      }
    });

    for (const { what, act, before } of SHARED) {
      test(`${what} for users who have tasks share a statement, up to 64 of them`, async () => {
        const { forNextUser } = createTestApp(database);
        const apps = Array.from({ length: 65 }, forNextUser);
        const tasks = await Promise.all(apps.map((app) => app.create()));
        for (const [count, statements] of [
          [2, 1],
          [64, 1],
          [65, 2],
        ] as const) {
          const together = apps.slice(0, count);
          if (before) await Promise.all(together.map((app, n) => before(app, tasks[n] as Task)));
          sent.length = 0;
          const answers = await Promise.all(together.map((app, n) => act(app, tasks[n] as Task)));
          expect(answers.filter(({ status }) => status >= 300)).toEqual([]);
          expect({ count, statements: sent.length }).toEqual({ count, statements });
        }
      });
    }

    test('without Prefer nothing is counted', async () => {
      const { call, root } = createTestApp(database);
      const textOf = async (headers: Record<string, string>) => {
        sent.length = 0;
        await call('GET', `${root}?completed=false&limit=1`, { headers });
        return sent.map(({ text }) => text).join();
      };
      expect(await textOf({})).not.toMatch(/count\(/i);
      expect(await textOf({ prefer: 'count=none' })).not.toMatch(/count\(/i);
      expect(await textOf({ prefer: 'count=exact' })).toMatch(/count\(/i);
    });
  });
}

test('A list that has not changed costs one row: no task is looked for', async () => {
  const { database, sent } = await open(url);
  const { call, root, create } = createTestApp(database);
  for (let n = 0; n < 20; n += 1) await create();
  const counted = { prefer: 'count=exact' };
  const { headers } = await call('GET', root, { headers: counted });
  sent.length = 0;
  const conditions = { 'if-none-match': headers.etag as string, ...counted };
  expect((await call('GET', root, { headers: conditions })).status).toBe(304);
  const [{ text, parameters } = { text: '', parameters: [] }] = sent;
  await database.close();

  const client = new SQL(url, { max: 1 });
  const [{ 'QUERY PLAN': plan }] = await client.unsafe(`explain (analyze, format json) ${text}`, parameters);
  await client.close();
  const read = nodesOf(plan[0].Plan)
    .filter((node) => 'Relation Name' in node && node['Actual Loops'] > 0)
    .map((node) => [node['Relation Name'], node['Actual Rows'] * node['Actual Loops']]);
  expect(read).toEqual([['user_revisions', 1]]);
});

interface PlanNode {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

async function open(address: string | undefined) {
  const sent: Statement[] = [];
  const database = await openDatabase({
    url: address,
    dataDir: join(folder, 'data'),
    poolSize: 4,
    timeoutMs: 10_000,
    logger: { logQuery: (text, parameters) => void sent.push({ text, parameters }) },
  });
  await migrate(database.db);
  return { database, sent };
}
