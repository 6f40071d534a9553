/** An app whose clock, ids and log the test controls, with a client that checks each of its answers. */
import { asc, eq } from 'drizzle-orm';
import { type AppDependencies, createApp } from '../../src/app.ts';
import type { Database } from '../../src/db/database.ts';
import { tasks, userRevisions } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import { createTaskIds } from '../../src/tasks/ids.ts';
import { createClient, createTasks } from './client.ts';

export const START = '2026-11-21T09:30:00.000Z';
export const ORIGIN = 'http://localhost';

type TaskRow = typeof tasks.$inferSelect;

export type TestAppOptions = Partial<Omit<AppDependencies, 'database' | 'clock'>>;

export type TestApp = ReturnType<typeof createTestApp>;

let users = 0;

/** An app on `database`, told the time by `clock.now`, with task and request ids that count up, logging into `log`. */
export function createTestApp(database: Database, options: TestAppOptions = {}) {
  const clock = { now: Date.parse(START) };
  const log: Record<string, unknown>[] = [];
  let requests = 0;
  const keep = (line: string) => {
    const { time, ...entry } = JSON.parse(line);
    log.push(entry);
  };
  const app = createApp({
    database,
    poolSize: 10,
    log: createLog('info', keep),
    clock: () => clock.now,
    newTaskId: createTaskIds((bytes) => bytes.fill(0)),
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
  const user = `user-${process.pid}-${++users}`;
  const root = `/api/${user}/tasks`;
  const call = createClient((request) => app.handle(request), ORIGIN);
  return {
    app,
    clock,
    log,
    user,
    root,
    call,

    create: createTasks(call, root),

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

/** The id of the `n`th task that was created at one time; the same as the service makes with the ids of these apps. */
export function idAt(time: string, n = 0): string {
  const hex = Date.parse(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${(0x7000 + n).toString(16)}-8000-000000000000`;
}
