/** A user whose writes must wait for another session, on a real server and over sockets: nobody else may notice. */
import { expect, test } from 'bun:test';
import { SQL } from 'bun';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { atEnd } from '../support/cleanup.ts';
import { Connection } from '../support/connection.ts';
import type { TestDatabase } from '../support/databases.ts';
import { problem } from '../support/expected.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';
import { serve } from '../support/server.ts';
import { until } from '../support/until.ts';

const url = await createDatabase();
const POOL = 6;
/** Two requests of a user at once, and as many that wait. */
const LIMITS = { poolSize: POOL, maxInFlight: 8 };
const opened = await openDatabase({ url, dataDir: '', poolSize: POOL, timeoutMs: 60_000 });
await migrate(opened.db);
const database: TestDatabase = { name: 'PostgreSQL', ...opened };
const admin = new SQL(url, { max: 2 });
atEnd(async () => {
  await opened.close();
  await admin.close();
});

const refused = (root: string): Answer =>
  problem(
    root,
    {
      type: 'too-many-requests',
      title: 'Too many requests of one user at once',
      status: 429,
      detail: 'Too many requests of this user are waiting; this one did nothing.',
    },
    { 'retry-after': '1' },
  );

/** How many statements wait for a lock now. */
async function locked(): Promise<number> {
  // Not on the connection that holds: a transaction sees no session that is younger than itself.
  const waiting =
    await admin`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return waiting.length;
}

/** Holds what the query locks until it is let go of, at the latest at the end of `act`. */
async function whileHeld(
  hold: (held: SQL) => Promise<unknown>,
  act: (letGo: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const held = await admin.reserve();
  try {
    await held`begin`;
    await hold(held);
    await act(() => held`commit`);
  } finally {
    await held`rollback`;
    held.release();
  }
}

const COUNTER = (held: SQL, user: string) => held`select from user_revisions where user_id = ${user} for update`;
const TASKS = (held: SQL, user: string) => held`select from tasks where user_id = ${user} for update`;

/** Everything that somebody else may ask for, more at once than there are connections. */
async function othersDoAll({ call, user }: ReturnType<typeof serve>): Promise<void> {
  await Promise.all(
    Array.from({ length: 2 * POOL }, async (_, n) => {
      const root = `/api/${user}-other-${n}/tasks`;
      const { status, body } = await call<Task>('POST', root, { body: { title: 'x' } });
      expect(status).toBe(201);
      for (const [method, path, expected] of [
        ['GET', body.url, 200],
        ['GET', `${root}?q=x`, 200],
        ['PATCH', `${body.url}/complete`, 200],
        ['DELETE', body.url, 204],
        ['POST', `${body.url}/restore`, 200],
        ['DELETE', root, 204],
      ] as const)
        expect((await call(method, path)).status).toBe(expected);
    }),
  );
}

for (const [what, hold] of [
  ['counter', COUNTER],
  ['tasks', TASKS],
] as const)
  test(`While a user's ${what} are held, two of the user's writes wait in the database, and others are answered`, async () => {
    await using server = serve({ poolSize: POOL }, database);
    const { call, create, user, stored } = server;
    const { url } = await create();
    const titles = Array.from({ length: 40 }, (_, n) => `title ${n}`);
    await whileHeld(
      (held) => hold(held, user),
      async (letGo) => {
        let answered = 0;
        const writes = titles.map((title) =>
          call<Task>('PATCH', url, { body: { title } }).finally(() => {
            answered += 1;
          }),
        );
        await until(async () => (await locked()) === 2);
        await othersDoAll(server);
        expect({ answered, locked: await locked() }).toEqual({ answered: 0, locked: 2 });
        await letGo();
        const answers = await Promise.all(writes);
        expect(answers.map(({ status, body }) => [status, body.title])).toEqual(titles.map((title) => [200, title]));
        const revisions = answers.map(({ body }) => body.revision);
        expect(revisions.toSorted((a, b) => a - b)).toEqual(titles.map((_, n) => n + 2));
        const { title, revision } = answers.map(({ body }) => body).sort((a, b) => b.revision - a.revision)[0] as Task;
        expect(await stored()).toMatchObject({ tasks: [{ title, revision }], revision });
      },
    );
  });

test('A write beyond the line of its user is refused with 429, and nothing of it is done; the others are done', async () => {
  await using server = serve(LIMITS, database);
  const { call, create, root, user, stored } = server;
  await create();
  await whileHeld(
    (held) => COUNTER(held, user),
    async (letGo) => {
      const answers: Answer[] = [];
      const writes = Array.from({ length: 7 }, (_, n) =>
        call('POST', root, { body: { title: `title ${n}` } }).then((answer) => void answers.push(answer)),
      );
      await until(() => answers.length === 3);
      expect(answers).toEqual(Array(3).fill(refused(root)));
      const elsewhere = `/api/${user}-other/tasks`;
      expect((await call('POST', elsewhere, { body: { title: 'x' } })).status).toBe(201);
      // Reads of the user stand in no line with the writes.
      expect(await call('GET', root)).toMatchObject({ status: 200, body: [{ title: 'Buy milk' }] });
      await letGo();
      await Promise.all(writes);
      const created = answers.slice(3) as Answer<Task>[];
      expect(created.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
      const { tasks, revision } = await stored();
      expect(revision).toBe(5);
      expect(tasks.map(({ title }) => title).sort()).toEqual(
        ['Buy milk', ...created.map(({ body }) => body.title)].sort(),
      );
    },
  );
});

test('While all tasks of a user are to be deleted, others are answered', async () => {
  await using server = serve({ poolSize: POOL }, database);
  const { call, create, root, user, stored } = server;
  const { url } = await create();
  await whileHeld(
    (held) => TASKS(held, user),
    async (letGo) => {
      const deleted = call('DELETE', root);
      await until(async () => (await locked()) === 1);
      const patches = Array.from({ length: 20 }, (_, n) => call('PATCH', url, { body: { order: n } }));
      await until(async () => (await locked()) === 2);
      await othersDoAll(server);
      expect(await locked()).toBe(2);
      await letGo();
      expect((await deleted).status).toBe(204);
      const statuses = new Set((await Promise.all(patches)).map(({ status }) => status));
      // One of them may have got the task before the deletion did.
      expect([...statuses].filter((status) => status !== 404 && status !== 200)).toEqual([]);
    },
  );
  expect((await stored()).tasks).toMatchObject([{ deleted_at: expect.any(String) }]);
});

test('A client that goes away while its write waits leaves the line to others, and the write is not done', async () => {
  await using server = serve(LIMITS, database);
  const { create, log, origin, root, user, stored } = server;
  await create();
  await whileHeld(
    (held) => COUNTER(held, user),
    async (letGo) => {
      const post = (title: string) => {
        const connection = new Connection(origin);
        const answer = connection.request('POST', root, { body: { title } });
        answer.catch(() => {});
        return { connection, answer };
      };
      const running = [post('a'), post('b')];
      await until(async () => (await locked()) === 2);
      const gone = [post('gone'), post('gone')];
      const refusals = () => log.filter(({ status }) => status === 429).length;
      const full = post('refused');
      expect((await full.answer).status).toBe(429);
      for (const { connection } of gone) connection.close();
      await until(() => refusals() === 3);
      const next = [post('c'), post('d')];
      expect((await post('refused').answer).status).toBe(429);
      await letGo();
      for (const { answer } of [...running, ...next]) expect((await answer).status).toBe(201);
    },
  );
  const titles = (await stored()).tasks.map(({ title }) => title);
  expect(titles.sort()).toEqual(['Buy milk', 'a', 'b', 'c', 'd']);
});

test("A write whose turn does not come in time is refused, and the user's next one is done", async () => {
  await using server = serve({ ...LIMITS, timeoutMs: 200 }, database);
  const { call, create, root, user, stored } = server;
  await create();
  await whileHeld(
    (held) => COUNTER(held, user),
    async (letGo) => {
      const running = ['a', 'b'].map((title) => call('POST', root, { body: { title } }));
      await until(async () => (await locked()) === 2);
      const late = await Promise.all(['c', 'd'].map((title) => call('POST', root, { body: { title } })));
      expect(late).toEqual([refused(root), refused(root)]);
      await letGo();
      expect((await Promise.all(running)).map(({ status }) => status)).toEqual([201, 201]);
    },
  );
  expect((await call('POST', root, { body: { title: 'e' } })).status).toBe(201);
  expect((await stored()).tasks.map(({ title }) => title).sort()).toEqual(['Buy milk', 'a', 'b', 'e']);
});

test('Of the lists of one user two are read at once, and those of another user do not wait for them', async () => {
  const gate = Promise.withResolvers<void>();
  let reads = 0;
  const read: TestDatabase['read'] = async (statement) => {
    reads += 1;
    if (reads <= 2) await gate.promise;
    return database.read(statement);
  };
  await using server = serve({ poolSize: POOL }, { ...database, read });
  const { call, root, user } = server;
  const lists = Array.from({ length: 20 }, () => call('GET', root));
  await until(() => reads === 2);
  expect((await call('GET', `/api/${user}-other/tasks`)).status).toBe(200);
  expect(reads).toBe(3);
  gate.resolve();
  expect((await Promise.all(lists)).map(({ status }) => status)).toEqual(Array(20).fill(200));
});

test('Single reads of one user beyond a quarter of MAX_IN_FLIGHT are refused, and those of others are not', async () => {
  const gate = Promise.withResolvers<void>();
  let reads = 0;
  const read: TestDatabase['read'] = async (statement) => {
    reads += 1;
    if (reads === 1) await gate.promise;
    return database.read(statement);
  };
  await using server = serve({ ...LIMITS, maxInFlight: 16 }, { ...database, read });
  const { call, create, user } = server;
  const { url } = await create();
  const path = new URL(url).pathname;
  // In one turn of the event loop: they share the statement that the gate holds.
  const answers: Answer[] = [];
  const asked = Array.from({ length: 5 }, () =>
    server.app.handle(new Request(`http://localhost${path}`)).then(async ({ status }) => {
      answers.push({ status } as Answer);
    }),
  );
  await until(() => answers.length === 1 && reads === 1);
  expect(answers).toEqual([{ status: 429 } as Answer]);
  expect(await call('GET', `/api/${user}-other/tasks/${path.split('/').at(-1)}`)).toMatchObject({ status: 404 });
  gate.resolve();
  await Promise.all(asked);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 429]);
});
