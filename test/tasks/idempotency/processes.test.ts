import { afterAll, expect, test } from 'bun:test';
import { SQL } from 'bun';
import type { Task } from '../../../src/tasks/schema.ts';
import { makeFolder } from '../../support/folder.ts';
import { createDatabase } from '../../support/postgres.ts';
import { type Service, startService } from '../../support/service.ts';
import { until } from '../../support/until.ts';

/** Behind one gateway, so that both processes name a task in the same way. */
const PUBLIC_URL = 'https://todo.example';

const DATABASE_URL = await createDatabase();
const environment = { DATABASE_URL, PUBLIC_URL };
const database = new SQL(DATABASE_URL, { max: 2 });
afterAll(() => database.close());

interface Reply {
  status: number;
  replayed: boolean;
  body: string;
}

/** Sent once; undefined when no answer came. */
async function ask(
  { origin }: Service,
  method: string,
  path: string,
  { key, body }: { key?: string; body?: unknown } = {},
): Promise<Reply | undefined> {
  const headers = {
    ...(key && { 'idempotency-key': key }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  try {
    const answer = await fetch(origin + path, { method, headers, body: JSON.stringify(body) });
    return {
      status: answer.status,
      replayed: answer.headers.has('idempotency-replayed'),
      body: await answer.text(),
    };
  } catch {
    return undefined;
  }
}

async function list(service: Service, user: string): Promise<Task[]> {
  const reply = await ask(service, 'GET', `/api/${user}/tasks?limit=200&sort=title`);
  return JSON.parse(reply?.body ?? '');
}

function expectOneAnswer(replies: (Reply | undefined)[], status: number): void {
  expect(replies.filter((reply) => reply?.replayed === false)).toHaveLength(1);
  expect(new Set(replies.map((reply) => reply?.status))).toEqual(new Set([status]));
  expect(new Set(replies.map((reply) => reply?.body)).size).toBe(1);
}

test('100 identical creates at once over two processes leave one task, and get one answer, byte for byte', async () => {
  await using one = await startService(environment);
  await using two = await startService(environment);
  const create = (n: number) =>
    ask(n % 2 ? one : two, 'POST', '/api/creator/tasks', { key: 'k', body: { title: 'é🦊', tags: ['b', 'a'] } });
  const replies = await Promise.all(Array.from({ length: 100 }, (_, n) => create(n)));
  expectOneAnswer(replies, 201);
  expect(await list(one, 'creator')).toEqual([JSON.parse(replies[0]?.body ?? '')]);
});

test('100 identical toggles at once over two processes toggle once', async () => {
  await using one = await startService(environment);
  await using two = await startService(environment);
  const created = await ask(one, 'POST', '/api/toggler/tasks', { body: { title: 'a' } });
  const { id } = JSON.parse(created?.body ?? '') as Task;
  const toggle = (n: number) => ask(n % 2 ? one : two, 'PATCH', `/api/toggler/tasks/${id}/complete`, { key: 'k' });
  expectOneAnswer(await Promise.all(Array.from({ length: 100 }, (_, n) => toggle(n))), 200);
  expect(await list(two, 'toggler')).toMatchObject([{ completed: true, revision: 2 }]);
});

test('a process that is killed after its write and before its answer leaves that answer to the next one', async () => {
  await using one = await startService(environment);
  await ask(one, 'POST', '/api/victim/tasks', { body: { title: 'first' } });
  const create = (service: Service) =>
    ask(service, 'POST', '/api/victim/tasks', { key: 'k', body: { title: 'second' } });

  // The write waits for the user's counter. The process sleeps while it gets it, and never hears that it did.
  const holder = await database.reserve();
  await holder`begin`;
  await holder`select from user_revisions where user_id = 'victim' for update`;
  const unanswered = create(one);
  await until(async () => {
    const [{ waiting }] = await database`
      select count(*)::int as waiting from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    return waiting === 1;
  });
  one.kill('SIGSTOP');
  await holder`commit`;
  holder.release();
  await until(async () => {
    const [{ written }] = await database`select count(*)::int as written from tasks where user_id = 'victim'`;
    return written === 2;
  });
  one.kill('SIGKILL');
  expect(await unanswered).toBeUndefined();

  await using two = await startService(environment);
  const reply = await create(two);
  expect(reply).toMatchObject({ status: 201, replayed: true });
  const tasks = await list(two, 'victim');
  expect(tasks.map(({ title }) => title)).toEqual(['first', 'second']);
  expect(tasks[1]).toEqual(JSON.parse(reply?.body ?? ''));
});

const stores = {
  PostgreSQL: async () => ({ settings: environment, remove: async () => {} }),
  PGlite: async () => {
    const { folder, remove } = await makeFolder();
    return { settings: { DATA_DIR: folder, PUBLIC_URL }, remove };
  },
};
for (const [name, openStore] of Object.entries(stores)) {
  test(`of what a process on ${name} was doing when it was killed, each key has one result after a retry`, async () => {
    const { settings, remove } = await openStore();
    const path = '/api/survivor/tasks';
    const create = (service: Service, n: number) =>
      ask(service, 'POST', path, { key: `key ${n}`, body: { title: `task ${String(n).padStart(3, '0')}` } });
    const toggle = (service: Service, id: string, n: number) =>
      ask(service, 'PATCH', `${path}/${id}/complete`, { key: `toggle ${n}` });
    {
      await using one = await startService(settings);
      const seeds = await Promise.all(Array.from({ length: 20 }, (_, n) => create(one, n)));
      const ids = seeds.map((reply) => (JSON.parse(reply?.body ?? '') as Task).id);
      const numbers = Array.from({ length: 100 }, (_, n) => n);

      // Ten clients, each one request after the other; the process is killed in the middle of what they have to ask.
      const first: (Reply | undefined)[] = [];
      const queue = numbers.values();
      let answered = 0;
      const client = async () => {
        for (const n of queue) {
          first[n] = await (n % 5 ? create(one, n) : toggle(one, ids[n / 5] ?? '', n));
          answered += 1;
          if (answered === 50) one.kill('SIGKILL');
        }
      };
      await Promise.all(Array.from({ length: 10 }, client));
      await one.exited;
      expect(first).toContain(undefined);

      await using two = await startService(settings);
      const retried = await Promise.all(
        numbers.map((n) => (n % 5 ? create(two, n) : toggle(two, ids[n / 5] ?? '', n))),
      );
      expect(new Set(retried.map((reply, n) => `${n % 5 ? 'create' : 'toggle'} ${reply?.status}`))).toEqual(
        new Set(['create 201', 'toggle 200']),
      );
      // Whatever was acknowledged is given again.
      for (const [n, reply] of first.entries()) if (reply) expect(retried[n]).toEqual({ ...reply, replayed: true });

      const tasks = await list(two, 'survivor');
      const titles = new Set([...numbers.filter((n) => n % 5), ...ids.keys()]);
      expect(tasks.map(({ title }) => Number(title.slice(5)))).toEqual([...titles].sort((a, b) => a - b));
      expect(
        tasks
          .filter(({ completed }) => completed)
          .map(({ id }) => id)
          .sort(),
      ).toEqual([...ids].sort());
    }
    await remove();
  });
}
