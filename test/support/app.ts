/** An app whose clock, ids and log a test holds in its hand, and a client that checks every answer of it. */
import { asc, eq } from 'drizzle-orm';
import { type AppDependencies, createApp } from '../../src/app.ts';
import type { Database } from '../../src/db/database.ts';
import { tasks, userRevisions } from '../../src/db/schema.ts';
import { createLog } from '../../src/log.ts';
import { createTaskIds } from '../../src/tasks/ids.ts';
import type { Task } from '../../src/tasks/schema.ts';
import { type Answer, type CheckAnswer, createAnswerCheck, type OpenApiDocument } from './openapi.ts';

export const START = '2026-11-21T09:30:00.000Z';
export const ORIGIN = 'http://localhost';

type TaskRow = typeof tasks.$inferSelect;

export type TestAppOptions = Partial<Omit<AppDependencies, 'database' | 'clock'>>;

export interface RequestOptions {
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, without a content type. */
  raw?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  headers?: Record<string, string>;
}

export type Call = <Body = unknown>(method: string, path: string, options?: RequestOptions) => Promise<Answer<Body>>;

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
    isStopping: () => false,
    maxBodyBytes: 262_144,
    ...options,
  });
  const user = `user-${process.pid}-${++users}`;
  const root = `/api/${user}/tasks`;
  const call = createClient(database, (request) => app.handle(request), ORIGIN);
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

/** Creates tasks that the test is not about. */
export function createTasks(call: Call, root: string) {
  return async (fields: Record<string, unknown> = {}): Promise<Task> => {
    const { status, body } = await call<Task>('POST', root, { body: { title: 'Buy milk', ...fields } });
    if (status !== 201) throw new Error(`The task was not created: ${JSON.stringify(body)}`);
    return body;
  };
}

/** A client that resolves paths against `origin` and checks each answer against the OpenAPI document. */
export function createClient(database: Database, send: (request: Request) => Promise<Response>, origin: string): Call {
  return async <Body>(method: string, path: string, { body, raw, headers }: RequestOptions = {}) => {
    const payload = body === undefined ? raw : JSON.stringify(body);
    const request = new Request(path.startsWith('/') ? origin + path : path, { method, body: payload });
    if (payload !== undefined) request.headers.delete('content-type');
    if (body !== undefined) request.headers.set('content-type', 'application/json');
    // What `fetch` does with a body whose length it knows; `handle` gets a request that never was sent.
    if (typeof payload === 'string') request.headers.set('content-length', String(Buffer.byteLength(payload)));
    for (const [name, value] of Object.entries(headers ?? {})) request.headers.set(name, value);
    const answer = await readAnswer(await send(request));
    if (!path.startsWith('/swagger')) (await answerCheck(database))(method, new URL(request.url).pathname, answer);
    return answer as Answer<Body>;
  };
}

/** The id of the `n`th task that was created at one time; the same as the service makes with the ids of these apps. */
export function idAt(time: string, n = 0): string {
  const hex = Date.parse(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${(0x7000 + n).toString(16)}-8000-000000000000`;
}

/** The answer without what the socket adds to it. */
async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const { date: _, 'content-length': __, ...headers } = Object.fromEntries(response.headers);
  const isJson = /^application\/(problem\+)?json\b/.test(headers['content-type'] ?? '');
  return { status: response.status, headers, body: text === '' ? undefined : isJson ? JSON.parse(text) : text };
}

let check: Promise<CheckAnswer> | undefined;

/** The document is the same for every app, and compiling its schemas takes long; it comes from an app of its own. */
function answerCheck(database: Database): Promise<CheckAnswer> {
  check ??= createTestApp(database)
    .app.handle(new Request(`${ORIGIN}/swagger/json`))
    .then(async (response) => createAnswerCheck((await response.json()) as OpenApiDocument));
  return check;
}
