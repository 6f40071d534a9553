import { afterAll, beforeAll, expect, test } from 'bun:test';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { DRIVERS, type FaultyDatabase, openFaultyDatabase } from '../support/faulty-database.ts';
import { makeFolder } from '../support/folder.ts';
import { type RestartableServer, startRestartableServer } from '../support/restartable-postgres.ts';
import { type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const PAGE_BYTES = 8192;

let server: RestartableServer;
beforeAll(async () => {
  server = await startRestartableServer();
});
afterAll(() => server.stop());

const create = (client: Connection, user: string) =>
  client.request<Task>('POST', `/api/${user}/tasks`, { body: { title: 'Buy milk' } });

test.each(DRIVERS)('A damaged page is a 500 whose log says so, and nothing else fails (%s)', async (driver) => {
  await using database = await openFaultyDatabase(driver, server.url);
  await using service = await database.serve();
  const client = new Connection(service.origin);
  const { url } = (await create(client, 'ada')).body;
  const file = join(server.dataDirectory, await fileOf(database, 'tasks'));
  await server.halt('fast');
  await damage(file);
  await server.resume();
  await until(async () => (await client.request('GET', '/health/ready')).status === 200);
  await expectDamage(service, client, new URL(url).pathname);
  expect(await client.request('GET', '/api/bob/tasks')).toMatchObject({ status: 200, body: [] });
});

test('A damaged page of the embedded database is a 500 whose log says so', async () => {
  const { folder, remove } = await makeFolder();
  const environment = { DATA_DIR: folder };
  let url: string;
  {
    await using service = await startService(environment);
    ({ url } = (await create(new Connection(service.origin), 'ada')).body);
    service.kill('SIGTERM');
    await service.exited;
  }
  await damage(await fileWith(join(folder, 'postgres', 'base'), 'Buy milk'));
  await using service = await startService(environment);
  const client = new Connection(service.origin);
  await expectDamage(service, client, new URL(url).pathname);
  expect(await client.request('GET', '/api/bob/tasks')).toMatchObject({ status: 200, body: [] });
  await remove();
});

async function expectDamage(service: Service, client: Connection, path: string): Promise<void> {
  const reply = await client.request('GET', path);
  expect(reply).toMatchObject({
    status: 500,
    body: {
      type: 'urn:problem-type:todo-api:internal-error',
      detail: 'The log has the cause under the request id.',
      request_id: reply.headers['x-request-id'],
    },
  });
  const lineOf = async () =>
    (await service.log()).find(({ request_id, error }) => error && request_id === reply.headers['x-request-id']);
  // The log is written with some delay.
  await until(async () => (await lineOf()) !== undefined);
  expect(await lineOf()).toMatchObject({
    level: 'error',
    error: {
      advice: 'The database is damaged: check the disk, and restore a back-up.',
      sqlState: 'XX001',
      message: expect.stringMatching(/^invalid page in block 0 of relation/),
    },
  });
}

/** Overwrites the header of the first page. */
async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(24, 0x55), 0, 24, 0);
  await file.close();
}

/** Relative to the data directory. */
async function fileOf({ sql }: FaultyDatabase, table: string): Promise<string> {
  // So that the row is in the file, and no log brings the page back.
  await sql`checkpoint`;
  return (await sql`select pg_relation_filepath(${table}) as path`)[0].path;
}

/** The file under `folder` whose first page has the text: that of the table, for the first page of an index has no rows. */
async function fileWith(folder: string, text: string): Promise<string> {
  for (const name of await readdir(folder, { recursive: true })) {
    const file = Bun.file(join(folder, name));
    const page = Buffer.from(
      await file
        .slice(0, PAGE_BYTES)
        .arrayBuffer()
        .catch(() => new ArrayBuffer(0)),
    );
    if (page.includes(text)) return join(folder, name);
  }
  throw new Error(`No file has ${text}.`);
}
