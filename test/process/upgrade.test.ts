/** A new version replaces the old one while that goes on serving, and opens whatever that has written. */
import { describe, expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { makeFolder } from '../support/folder.ts';
import { hasVersion, OLDER_VERSIONS, type OlderVersion, unpackVersion } from '../support/older-version.ts';
import type { Answer } from '../support/openapi.ts';
import { createDatabase } from '../support/postgres.ts';
import { type Environment, type Service, startService } from '../support/service.ts';

const TIMEOUT_MS = 120_000;
const ROOT = '/api/ada/tasks';
const VERSIONS = (Object.keys(OLDER_VERSIONS) as OlderVersion[]).filter(hasVersion);

/** What every task of an older version has of the new fields. */
const NEW_FIELDS = { project: null, metadata: {}, deleted_at: null, start_date: null };

/** The fields that both versions know, at another address. */
const known = ({ url: _, ...task }: Partial<Task>) => ({ ...NEW_FIELDS, ...task });

const OLD_TASKS = [
  { title: 'x'.repeat(200), description: 'cafe\u0301', tags: ['re\u0301union'] },
  { title: 'cafe\u0301', completed: true, priority: 'high', due_date: '2026-12-01' },
  { title: 'last', due_at: '2026-12-01T09:30:00Z', order: 2_147_483_647 },
  { title: 'first', priority: 'low', order: -2_147_483_648 },
];

interface Written {
  tasks: Task[];
  /** By the address of a task or a list. */
  etags: Map<string, string>;
  bin: Task[];
}

const keyOf = (n: number) => ({ 'idempotency-key': `create ${n}` });

async function start(version: OlderVersion, environment: Environment) {
  const { main, remove } = await unpackVersion(version);
  const service = await startService(environment, [], main);
  const connection = new Connection(service.origin);
  return {
    service,
    connection,
    async [Symbol.asyncDispose]() {
      connection.close();
      await service[Symbol.asyncDispose]();
      await remove();
    },
  };
}

/** Tasks of all kinds, each created under a key, one of them in the bin. */
async function write(connection: Connection): Promise<Written> {
  for (const [n, body] of OLD_TASKS.entries()) {
    const { status } = await connection.request('POST', ROOT, { body, headers: keyOf(n) });
    expect(status).toBe(201);
  }
  const { body: all } = await connection.request<Task[]>('GET', `${ROOT}?sort=order`);
  expect((await connection.request('DELETE', `${ROOT}/${all[0]?.id}`)).status).toBe(204);
  const etags = new Map<string, string>();
  const read = async <Body>(path: string) => {
    const { headers, body } = await connection.request<Body>('GET', path);
    etags.set(path, headers.etag ?? '');
    return body;
  };
  const tasks = await read<Task[]>(`${ROOT}?sort=order`);
  const bin = await read<Task[]>(`${ROOT}?deleted=true`);
  for (const { id } of tasks) await read(`${ROOT}/${id}`);
  return { tasks, etags, bin };
}

/** Every task, ETag and kept answer is as the older version left it. */
async function expectIntact({ call }: Service, { tasks, etags, bin }: Written): Promise<void> {
  const { body } = await call<Task[]>('GET', `${ROOT}?sort=order`);
  expect(body.map(known)).toEqual(tasks.map(known));
  const deleted = await call<Task[]>('GET', `${ROOT}?deleted=true`);
  expect(deleted.body.map(known)).toEqual(bin.map((task) => ({ ...known(task), deleted_at: task.updated_at })));
  for (const [path, etag] of etags)
    expect((await call('GET', path, { headers: { 'if-none-match': etag } })).status).toBe(304);
  for (const [n, body] of OLD_TASKS.entries()) {
    const answer = await call<Task>('POST', ROOT, { body, headers: keyOf(n) });
    expect(answer).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(answer.body).toMatchObject({ ...NEW_FIELDS, title: body.title, revision: n + 1 });
  }
}

describe.each(VERSIONS)('What %s wrote is opened with every task, ETag and kept answer as it was', (version) => {
  test.each(['an embedded folder', 'a database'])(
    '%s',
    async (kind) => {
      const { folder, remove } = await makeFolder();
      const environment: Environment =
        kind === 'a database' ? { DATABASE_URL: await createDatabase() } : { DATA_DIR: `${folder}/data` };
      let written: Written;
      {
        await using old = await start(version, environment);
        written = await write(old.connection);
        old.service.kill('SIGTERM');
        expect(await old.service.exited).toBe(0);
      }
      await using service = await startService(environment);
      await expectIntact(service, written);
      const url = `${ROOT}/${written.tasks[0]?.id}`;
      const patch = { project: 'Home', priority: 'none', order: 2 ** 40, metadata: { colour: 'red' } };
      expect(await service.call('PATCH', url, { body: patch })).toMatchObject({ status: 200, body: patch });
      await remove();
    },
    TIMEOUT_MS,
  );
});

describe.each(VERSIONS)('While it replaces %s on one database', (version) => {
  test(
    'both go on serving: each reads and changes what the other wrote, and new fields survive old writes',
    async () => {
      const environment = { DATABASE_URL: await createDatabase() };
      await using old = await start(version, environment);
      // Every statement that has been prepared before the tables change must go on working after it.
      await useAll(old.connection);
      const written = await write(old.connection);
      await using service = await startService(environment);
      await expectIntact(service, written);
      await useAll(old.connection);
      await useAll(new Connection(service.origin));

      const fields = {
        title: 'y'.repeat(500),
        project: 'Home',
        metadata: { colour: 'red' },
        priority: 'none',
        order: 2 ** 40,
      };
      const created = await service.call<Task>('POST', ROOT, { body: fields, headers: { 'idempotency-key': 'new' } });
      expect(created).toMatchObject({ status: 201, body: fields });
      const url = `${ROOT}/${created.body.id}`;
      const asOld = async (method: string, body?: object): Promise<Answer<Task>> =>
        old.connection.request<Task>(method, url, { body });
      const now = async () => (await service.call<Task>('GET', url)).body;

      expect(await asOld('GET')).toMatchObject({
        status: 200,
        headers: { etag: created.headers.etag },
        body: { title: fields.title, priority: 'none', order: 2_147_483_647 },
      });
      const repeated = { body: fields, headers: { 'idempotency-key': 'new' } };
      expect(await service.call('POST', ROOT, repeated)).toMatchObject({ status: 201, body: created.body });
      // What it shows, it may send back.
      expect(await asOld('PATCH', { description: 'old', order: 2_147_483_647 })).toMatchObject({ status: 200 });
      expect(await now()).toMatchObject({ ...fields, description: 'old' });
      expect(await asOld('PATCH', { order: 7 })).toMatchObject({ status: 200, body: { order: 7 } });
      expect(await now()).toMatchObject({ ...fields, order: 7 });
      expect(await asOld('PUT', { title: 'put' })).toMatchObject({ status: 200 });
      expect(await now()).toMatchObject({ title: 'put', order: 0, project: 'Home', metadata: { colour: 'red' } });
      expect(await service.call('PATCH', url, { body: { order: -(2 ** 40) } })).toMatchObject({ status: 200 });
      for (const sort of ['order', 'title', '-priority']) {
        const [mine, others] = await Promise.all([
          service.call<Task[]>('GET', `${ROOT}?sort=${sort}&limit=200`),
          old.connection.request<Task[]>('GET', `${ROOT}?sort=${sort}&limit=200`),
        ]);
        expect(others.body.map(({ id }) => id).sort()).toEqual(mine.body.map(({ id }) => id).sort());
      }
      expect(await asOld('DELETE')).toMatchObject({ status: 204 });
      expect(await service.call('POST', `${url}/restore`)).toMatchObject({ status: 200 });
    },
    TIMEOUT_MS,
  );
});

/** Sends every statement of the service at least once, of other users, on all its connections. */
async function useAll(connection: Connection): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    const root = `/api/${crypto.randomUUID()}/tasks`;
    const send = async (method: string, path: string, status: number, body?: object, headers = {}) => {
      const answer = await connection.request<Task>(method, path, { body, headers });
      expect({ method, path, status: answer.status }).toEqual({ method, path, status });
      return answer.body;
    };
    const { id } = await send('POST', root, 201, { title: 'a' });
    await send('POST', root, 201, { title: 'b' }, { 'idempotency-key': 'k' });
    await send('POST', root, 201, { title: 'b' }, { 'idempotency-key': 'k' });
    const url = `${root}/${id}`;
    await send('GET', url, 200);
    await send('PATCH', url, 200, { order: 2 });
    await send('PATCH', url, 200, { title: 'c', tags: ['d'] }, { 'idempotency-key': 'l' });
    await send('PUT', url, 200, { title: 'd', priority: 'high' });
    await send('PATCH', `${url}/complete`, 200);
    await send('DELETE', url, 204);
    await send('POST', `${url}/restore`, 200);
    for (const query of ['', '?sort=order', '?sort=priority&q=d', '?deleted=true', '?sort=due&due_after=2020-01-01'])
      await send('GET', root + query, 200);
    await send('DELETE', `${root}?completed=true`, 204);
  }
}
