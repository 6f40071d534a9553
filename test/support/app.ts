/** An app whose clock, ids and log the test controls, with a client that checks each of its answers. */
import { asc, eq } from 'drizzle-orm';
import { type App, type AppDependencies, createApp } from '../../src/app.ts';
import type { Database } from '../../src/db/database.ts';
import { tasks, userRevisions } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import { createTaskIds, type NewTaskId } from '../../src/tasks/ids.ts';
import { createClient, createTasks } from './client.ts';

export const START = '2026-11-21T09:30:00.000Z';
export const ORIGIN = 'http://localhost';

type TaskRow = typeof tasks.$inferSelect;

export type TestAppOptions = Partial<Omit<AppDependencies, 'database' | 'clock'>>;

export type TestApp = ReturnType<typeof createTestApp>;

let users = 0;

/** An app on `database`, told the time by `clock.now`, with task and request ids that count up, logging into `log`. */
export function createTestApp(database: Database, options?: TestAppOptions) {
  const { app, clock, log } = options ? makeApp(database, options) : lendApp(database);
  const call = createClient((request) => app.handle(request), ORIGIN);
  return forNextUser();

  function forNextUser() {
    const user = `user-${process.pid}-${++users}`;
    const root = `/api/${user}/tasks`;
    return {
      app,
      clock,
      log,
      user,
      root,
      call,

      create: createTasks(call, root),

      /** The same app, for another user. */
      forNextUser,

      /** What is in the tables about the app's user, in the order of creation. */
      async stored(owner = user): Promise<{ tasks: TaskRow[]; revision: number | undefined }> {
        const { db } = database;
        const [counter] = await db.select().from(userRevisions).where(eq(userRevisions.user_id, owner));
        return {
          tasks: await db.select().from(tasks).where(eq(tasks.user_id, owner)).orderBy(asc(tasks.id)),
          revision: counter?.revision,
        };
      },
    };
  }
}

interface Made {
  app: App;
  clock: { now: number };
  log: Record<string, unknown>[];
  reset(): void;
}

const idle = new WeakMap<Database, Made[]>();
/** Undefined when no test runs: what is made then is kept by who made it. */
let lent: { database: Database; made: Made }[] | undefined;

/**
 * An app as if it were new. It takes 25 ms of CPU to make one and to answer its first request: two thousand tests would
 * spend a minute on it.
 */
function lendApp(database: Database): Made {
  const made = (lent && idle.get(database)?.pop()) ?? makeApp(database, {});
  made.reset();
  lent?.push({ database, made });
  return made;
}

/** Before a test: its apps are lent. */
export function lendApps(): void {
  lent = [];
}

/** After a test: the next may have its apps. */
export function takeAppsBack(): void {
  for (const { database, made } of lent ?? []) idle.set(database, [...(idle.get(database) ?? []), made]);
  lent = undefined;
}

function makeApp(database: Database, options: TestAppOptions): Made {
  const clock = { now: 0 };
  const log: Record<string, unknown>[] = [];
  let requests = 0;
  let newTaskId: NewTaskId;
  const keep = (line: string) => {
    const { time, ...entry } = JSON.parse(line);
    log.push(entry);
  };
  const app = createApp({
    database,
    poolSize: 10,
    log: createLog('info', keep),
    clock: () => clock.now,
    newTaskId: (now) => newTaskId(now),
    newRequestId: () => `request-${++requests}`,
    corsOrigins: 'localhost',
    allowedHosts: '*',
    requireIfMatch: false,
    maxInFlight: 1000,
    timeoutMs: 60_000,
    isStopping: () => false,
    maxBodyBytes: 262_144,
    ...options,
  });
  reset();
  return { app, clock, log, reset };

  function reset() {
    clock.now = Date.parse(START);
    log.length = 0;
    requests = 0;
    newTaskId = createTaskIds((bytes) => bytes.fill(0));
  }
}

/** The id of the `n`th task that was created at one time; the same as the service makes with the ids of these apps. */
export function idAt(time: string, n = 0): string {
  const hex = Date.parse(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${(0x7000 + n).toString(16)}-8000-000000000000`;
}
