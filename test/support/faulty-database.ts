/** A database of a test's own on a real server, behind a proxy that can fail, as each of the two drivers reaches it. */
import { SQL } from 'bun';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts';
import { createDatabase } from './postgres.ts';
import { startRelay } from './relay.ts';
import { type Environment, type Service, startService } from './service.ts';

/** How long the services here wait for the database. */
export const TIMEOUT_MS = 2000;

/** How long a request may take then; the rest is what a busy machine may add to it. */
export const BOUND_MS = TIMEOUT_MS + 2000;

const NEON = Bun.fileURLToPath(import.meta.resolve('./neon-preload.ts'));

export const DRIVERS = ['PostgreSQL', 'Neon'] as const;
export type Driver = (typeof DRIVERS)[number];

/** What the tables hold. */
export interface Stored {
  titles: string[];
  /** By user. */
  revisions: Map<string, number>;
}

export interface FaultyDatabase extends AsyncDisposable {
  /** Starts a service that uses it. */
  serve: (environment?: Environment) => Promise<Service>;
  /** Between the service and the server. */
  proxy: FaultyProxy;
  /** One connection straight to the database, for the test. */
  sql: SQL;
  /** Ends every session but those of the test. @returns how many. */
  terminateSessions: () => Promise<number>;
  stored: () => Promise<Stored>;
}

/** @param serverUrl the server of this test run by default; else one that has this database alone, made anew. */
export async function openFaultyDatabase(driver: Driver, serverUrl?: string): Promise<FaultyDatabase> {
  const direct = serverUrl ? await recreateDatabase(serverUrl) : await createDatabase();
  const relay = driver === 'Neon' ? startRelay(direct) : undefined;
  const proxy = await startFaultyProxy(relay?.url ?? direct);
  const url = Object.assign(new URL(direct), { host: relay ? 'test.neon.tech:5432' : proxy.host }).href;
  const sql = new SQL(direct, { max: 1 });
  return {
    serve: (environment) =>
      startService(
        { DATABASE_URL: url, DATABASE_TIMEOUT_MS: String(TIMEOUT_MS), NEON_RELAY: proxy.host, ...environment },
        relay ? ['--preload', NEON] : [],
      ),
    proxy,
    sql,
    async terminateSessions() {
      const ended = await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
      return ended.length;
    },
    async stored() {
      const tasks: { title: string }[] = await sql`select title from tasks`;
      const counters: { user_id: string; revision: number }[] =
        await sql`select user_id, revision::int from user_revisions`;
      return {
        titles: tasks.map(({ title }) => title),
        revisions: new Map(counters.map(({ user_id, revision }) => [user_id, revision])),
      };
    },
    async [Symbol.asyncDispose]() {
      await sql.close();
      await proxy.stop();
      await relay?.stop();
    },
  };
}

async function recreateDatabase(serverUrl: string): Promise<string> {
  const admin = new SQL(`${serverUrl}/postgres`, { max: 1 });
  await admin`drop database if exists faults with (force)`;
  await admin`create database faults`;
  await admin.close();
  return `${serverUrl}/faults`;
}
