/** Writes of many users that come in at the same moment go to the database as one. Nobody must be able to tell. */
import { describe, expect, test } from 'bun:test';
import { SQL } from 'bun';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { createTestApp, type TestApp } from '../support/app.ts';
import { atEnd } from '../support/cleanup.ts';
import { forEachDatabase } from '../support/databases.ts';
import { taskNotFound } from '../support/expected.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';

/** Users with names that are special to SQL, JSON, arrays of PostgreSQL, or addresses. */
const NAMES = ['a', 'A', '{a,b}', '"', "o'hara", 'NULL', 'null', '$1', '%', 'ü', '𝒜', ' ', 'a:b', '[]', '-'];

let groups = 0;

interface User {
  user_id: string;
  root: string;
}

/** Users of an app that no other test has, each with the root of their tasks. */
function users({ user }: Pick<TestApp, 'user'>, names: readonly string[] = NAMES): User[] {
  groups += 1;
  return names.map((name) => {
    const user_id = `${user}-${groups}-${name}`;
    return { user_id, root: `/api/${encodeURIComponent(user_id)}/tasks` };
  });
}

type Act = (call: TestApp['call'], root: string, id: string) => Promise<Answer>;

function send(method: string, path: string, body?: object): Act {
  return (call, root, id) => call(method, `${root}/${id}${path}`, { body });
}
const patch = (body: object) => send('PATCH', '', body);
const post =
  (body: object): Act =>
  (call, root) =>
    call('POST', root, { body });

const AWKWARD = {
  title: '"\'\\ {a,b} NULL \u{1f600} $1 \u2028 ﻿',
  description: '\\u0041 \n\t "\\" \u0001 \ufffd',
  tags: ['{', '"', 'null', 'a,b', "'", '\\', 'ß'],
};

const KEYS = Array.from({ length: 50 }, (_, n) => `key ${n}`);

/** What is done one after the other, and its status; the task is the first that was created. */
const LIFE: readonly (readonly [string, number, Act])[] = [
  ['create of a first task', 201, post({ title: 'Buy milk' })],
  ['create', 201, post({ title: 'Buy bread' })],
  [
    'create of what is done',
    201,
    post({
      ...AWKWARD,
      completed: true,
      priority: 'high',
      due_date: '9999-12-31',
      start_date: '1970-01-01',
      order: -7,
      project: AWKWARD.title,
      metadata: { [AWKWARD.title]: AWKWARD.description, estimate: 1.5, billable: false },
    }),
  ],
  ['create with an instant', 201, post({ title: 'x', due_at: '1970-01-01T01:00:00.001+01:00', order: 2 ** 53 - 1 })],
  ['patch of texts', 200, patch(AWKWARD)],
  ['patch of completion', 200, patch({ completed: true, description: null })],
  [
    'patch of the rest',
    200,
    patch({ priority: 'low', due_date: '2026-12-01', start_date: '2026-11-24', order: -2_147_483_648, tags: [] }),
  ],
  ['patch of metadata', 200, patch({ metadata: { colour: 'red', estimate: 3 }, order: -(2 ** 53) + 1 })],
  ['patch of metadata by key', 200, patch({ metadata: { colour: null, billable: true, none: null } })],
  ['patch of metadata that changes nothing', 200, patch({ metadata: { colour: null, estimate: 3 } })],
  ['patch that makes for too many keys', 400, patch({ metadata: Object.fromEntries(KEYS.map((key) => [key, 1])) })],
  ['patch that takes all keys away', 200, patch({ project: 'Home', metadata: { estimate: null, billable: null } })],
  ['patch that changes nothing', 200, patch({ priority: 'low', tags: [] })],
  ['patch of nothing', 200, patch({})],
  ['patch that makes it due twice', 400, patch({ due_at: '2026-12-01T00:00:00Z' })],
  ['replace', 200, send('PUT', '', { title: 'Buy tea', due_at: '2030-01-01T00:00:00Z' })],
  ['replace by what is not valid', 400, send('PUT', '', { title: '' })],
  ['complete', 200, send('PATCH', '/complete', { completed: true })],
  ['complete what is', 200, send('PATCH', '/complete', { completed: true })],
  ['toggle', 200, send('PATCH', '/complete')],
  ['delete', 204, send('DELETE', '')],
  ['delete again', 404, send('DELETE', '')],
  ['patch of what is gone', 404, patch({ title: 'x' })],
  ['restore', 200, send('POST', '/restore')],
  ['restore what is there', 200, send('POST', '/restore')],
];

forEachDatabase('What many users do at the same moment', (open) => {
  test('is done for each as it is for one alone', async () => {
    const { call, ...app } = open();
    const [alone, ...many] = users(app, ['alone', ...NAMES]) as [User, ...User[]];
    const ids = new Map<string, string>();

    /** The answer without what is the user's own: names, ids, addresses. */
    const act = async (what: Act, { user_id, root }: User) => {
      const { status, headers, body } = (await what(call, root, ids.get(user_id) ?? '')) as Answer<Partial<Task>>;
      const { id, url, user_id: owner, ...task } = body ?? {};
      const { 'x-request-id': _, location, ...others } = headers;
      expect(location).toBe(status === 201 ? url : undefined);
      if (status >= 400 || !id) return { status, others, faults: (body as { errors?: unknown })?.errors };
      expect({ owner, url }).toEqual({ owner: user_id, url: `http://localhost${root}/${id}` });
      if (!ids.has(user_id)) ids.set(user_id, id);
      return { status, others, task };
    };

    for (const [name, status, what] of LIFE) {
      const expected = await act(what, alone);
      expect({ name, status: expected.status }).toEqual({ name, status });
      const answers = await Promise.all(many.map((user) => act(what, user)));
      expect({ name, answers }).toEqual({ name, answers: many.map(() => expected) });
    }
    const revisions = await Promise.all(many.map(async ({ user_id }) => (await app.stored(user_id)).revision));
    expect(revisions).toEqual(many.map(() => 15));
  });

  test('has an outcome of its own for each', async () => {
    const app = open();
    const { call } = app;
    const [plain, other, dated, gone, same, tidy, thief] = users(app, NAMES.slice(0, 7)).map(({ user_id, root }) => ({
      user_id,
      root,
      create: async (fields: object) => (await call<Task>('POST', root, { body: { title: 'x', ...fields } })).body,
    }));
    if (!plain || !other || !dated || !gone || !same || !tidy || !thief) throw new Error('There are fewer names.');
    const due_at = '2026-12-01T09:30:00.000Z';
    const tasks = await Promise.all([
      plain.create({}),
      other.create({}),
      dated.create({ due_date: '2026-12-24' }),
      gone.create({}),
      same.create({ due_at }),
      tidy.create({}),
    ]);
    await call('DELETE', tasks[3].url);
    const stolen = `${thief.root}/${tasks[0].id}`;
    const answers = await Promise.all(
      [...tasks.map(({ url }) => url), stolen].map((url) => call<Task>('PATCH', url, { body: { due_at } })),
    );
    const changed = (task: Task) => ({ status: 200, body: { ...task, due_at, revision: 2 } });
    expect(answers).toMatchObject([
      changed(tasks[0]),
      changed(tasks[1]),
      { status: 400, body: { errors: [{ detail: 'must not leave the task both due_date and due_at' }] } },
      taskNotFound(`${gone.root}/${tasks[3].id}`),
      { status: 200, body: tasks[4] },
      changed(tasks[5]),
      taskNotFound(stolen),
    ]);
  });

  test('is done under the precondition of each', async () => {
    const app = open();
    const created = await Promise.all(
      users(app).map(({ root }) => app.call<Task>('POST', root, { body: { title: 'x' } })),
    );
    const failing: Record<string, string>[] = [
      { 'if-none-match': '"1"' },
      { 'if-none-match': '*' },
      { 'if-match': '"2"' },
    ];
    for (const headers of failing) {
      const answers = await Promise.all(
        created.map(({ body }) => app.call('PATCH', body.url, { body: { title: 'y' }, headers })),
      );
      expect(answers.map(({ status, headers: { etag } }) => ({ status, etag }))).toEqual(
        created.map(() => ({ status: 412, etag: '"1"' })),
      );
    }
  });

  test('takes a number of its own, however many writes each of them sends', async () => {
    const app = open();
    const { call } = app;
    const many = users(app);
    const answers = await Promise.all(
      [1, 2, 3, 4, 5].flatMap(() => many.map(({ root }) => call<Task>('POST', root, { body: { title: 'x' } }))),
    );
    const revisions = Map.groupBy(answers, ({ body }) => body.user_id);
    for (const { user_id } of many)
      expect(
        revisions
          .get(user_id)
          ?.map(({ body }) => body.revision)
          .sort(),
      ).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('Where two processes write for the same users at the same moment', async () => {
  const url = await createDatabase();
  const [one, two, admin] = [await connect(url), await connect(url), new SQL(url, { max: 2 })];
  atEnd(() => admin.close());

  test('no number is taken twice, none is left out, and no change is lost', async () => {
    const ROUNDS = 20;
    const many = users(one);
    const everyone = [one, two, one];
    const created = await Promise.all(
      everyone.flatMap(({ call }) => many.map(({ root }) => call<Task>('POST', root, { body: { title: 'x' } }))),
    );
    const firsts = new Map(created.map(({ body }) => [body.user_id, body]));
    const changes: Answer<Task>[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      changes.push(
        ...(await Promise.all(
          everyone.flatMap(({ call }, n) =>
            many.map(({ user_id }) => {
              const { url } = firsts.get(user_id) as Task;
              return n === 0
                ? call<Task>('PATCH', url, { body: { order: round + 1 } })
                : call<Task>('PATCH', `${url}/complete`);
            }),
          ),
        )),
      );
    const revisions = Map.groupBy([...created, ...changes], ({ body }) => body.user_id);
    for (const { user_id } of many) {
      const taken = revisions.get(user_id)?.map(({ body }) => body.revision);
      const total = everyone.length * (1 + ROUNDS);
      expect(taken?.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n + 1));
      const { tasks, revision } = await one.stored(user_id);
      expect(revision).toBe(total);
      // Toggled twice a round.
      expect(tasks.find(({ id }) => id === firsts.get(user_id)?.id)).toMatchObject({ order: ROUNDS, completed: false });
    }
  });

  /** Does something while a lock is held, which it may let go of before its end. */
  async function whileHeld(
    hold: (held: SQL) => Promise<unknown>,
    act: (held: SQL, letGo: () => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    const held = await admin.reserve();
    try {
      await held`begin`;
      await hold(held);
      await act(held, () => held`commit`);
    } finally {
      await held`rollback`;
      held.release();
    }
  }

  for (const [what, act, status, hold] of [
    [
      'whose counter another transaction holds',
      patch({ title: 'y' }),
      200,
      (held: SQL, user_id: string) => held`select from user_revisions where user_id = ${user_id} for update`,
    ],
    [
      'whose task another transaction holds',
      patch({ title: 'y' }),
      200,
      (held: SQL, user_id: string) => held`select from tasks where user_id = ${user_id} for update`,
    ],
    [
      'for whom another transaction creates a first task',
      post({ title: 'y' }),
      201,
      (held: SQL, user_id: string) => held`insert into user_revisions values (${user_id}, 1)`,
    ],
  ] as const)
    test(`nobody waits for a user ${what}`, async () => {
      const [slow, ...others] = users(one) as [User, ...User[]];
      const ids = new Map<User, string>();
      for (const user of status === 200 ? [slow, ...others] : [])
        ids.set(user, (await one.call<Task>('POST', user.root, { body: { title: 'x' } })).body.id);
      const write = (user: User) => act(one.call, user.root, ids.get(user) ?? '') as Promise<Answer<Task>>;
      await whileHeld(
        (held) => hold(held, slow.user_id),
        async (_, letGo) => {
          let isAnswered = false;
          const last = write(slow).finally(() => {
            isAnswered = true;
          });
          const answers = await Promise.all(others.map(write));
          expect(answers.map((answer) => answer.status)).toEqual(others.map(() => status));
          expect(isAnswered).toBe(false);
          await letGo();
          expect((await last).body).toMatchObject({ title: 'y', revision: 2 });
        },
      );
    });

  test('nobody waits for a user whose counter another transaction holds, to create one more task', async () => {
    const [slow, ...others] = users(one) as [User, ...User[]];
    const create = ({ root }: User) => one.call<Task>('POST', root, { body: { title: 'x' } });
    await Promise.all([slow, ...others].map(create));
    await whileHeld(
      (held) => held`select from user_revisions where user_id = ${slow.user_id} for update`,
      async (_, letGo) => {
        let isAnswered = false;
        const last = create(slow).finally(() => {
          isAnswered = true;
        });
        const answers = await Promise.all(others.map(create));
        expect(answers.map(({ body }) => body.revision)).toEqual(others.map(() => 2));
        expect(isAnswered).toBe(false);
        await letGo();
        expect((await last).body.revision).toBe(2);
      },
    );
  });

  test('a list that two requests delete at the same moment is deleted once', async () => {
    const [user] = users(one) as [User];
    for (const title of ['a', 'b']) await one.call('POST', user.root, { body: { title } });
    await whileHeld(
      (held) => held`select from user_revisions where user_id = ${user.user_id} for update`,
      async (_, letGo) => {
        const both = [1, 2].map(() => one.call('DELETE', user.root));
        const waiting = () =>
          // Not on the connection that holds: a transaction sees no session that is younger than itself.
          admin`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        await until(async () => (await waiting()).length === 2);
        await letGo();
        expect((await Promise.all(both)).map(({ status }) => status)).toEqual([204, 204]);
      },
    );
    const { tasks, revision } = await one.stored(user.user_id);
    expect({ revisions: tasks.map((task) => task.revision), revision }).toEqual({ revisions: [3, 4], revision: 4 });
  });

  test('a request of another user is not sent after one that waits, on the same connection', async () => {
    const [slow, ...others] = users(one) as [User, ...User[]];
    const { body } = await one.call<Task>('POST', slow.root, { body: { title: 'x' } });
    await whileHeld(
      (held) => held`select from user_revisions where user_id = ${slow.user_id} for update`,
      async (held, letGo) => {
        let isAnswered = false;
        const last = one.call('PATCH', body.url, { body: { title: 'y' } }).finally(() => {
          isAnswered = true;
        });
        const waiting = () =>
          held`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        await until(async () => (await waiting()).length > 0);
        // Several times as many as there are connections.
        const lists = await Promise.all([1, 2, 3].flatMap(() => others.map(({ root }) => one.call('GET', root))));
        expect(lists.filter((answer) => answer.status !== 200)).toEqual([]);
        expect(isAnswered).toBe(false);
        await letGo();
        expect((await last).status).toBe(200);
      },
    );
  });

  async function connect(url: string): Promise<TestApp> {
    const database = await openDatabase({ url, dataDir: '', poolSize: 10, timeoutMs: 10_000 });
    atEnd(database.close);
    await migrate(database.db);
    return createTestApp(database, { newTaskId: () => Bun.randomUUIDv7() });
  }
});
