/**
 * What the service is measured against: the same requests on the same tables with the same headers and bodies in the
 * answers, written by hand for Bun.serve and Bun.SQL, with no framework, no query builder, no validation and no log.
 */
import { SQL } from 'bun';

interface NewTask {
  title: string;
  description?: string;
  completed?: boolean;
  priority?: string;
  tags?: string[];
  due_date?: string;
  due_at?: string;
  start_date?: string;
  order?: number;
  project?: string;
  metadata?: object;
}

interface TaskRow {
  id: string;
  user_id: string;
  title: string;
  description: string | null;
  completed: boolean;
  completed_at: Date | null;
  priority: string;
  tags: string[];
  due_date: Date | null;
  due_at: Date | null;
  start_date: Date | null;
  order: number;
  project: string | null;
  metadata: object | null;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
  revision: string;
}

const sql = new SQL(String(process.env.DATABASE_URL), { max: Number(process.env.DATABASE_POOL_SIZE ?? 10) });

const COLUMNS = sql`id, user_id, title, description, completed, completed_at, priority, tags, due_date, due_at, start_date, "order",
  project, metadata, created_at, updated_at, deleted_at, revision`;

const headersOf = (etag: string, vary = 'Origin') => ({
  vary,
  'x-request-id': crypto.randomUUID(),
  'x-content-type-options': 'nosniff',
  'cache-control': 'private, no-cache',
  etag,
});

Bun.serve({
  hostname: '127.0.0.1',
  port: Number(process.env.PORT),
  routes: {
    '/api/:user_id/tasks': {
      GET: async (request) => {
        const { user_id } = request.params;
        const { search, searchParams } = new URL(request.url);
        const known = request.headers.get('if-none-match');
        if (known !== null) {
          const [counter] = await sql`select revision from user_revisions where user_id = ${user_id}`;
          const etag = listTag(counter?.revision ?? '0', search);
          if (etag === known) return new Response(null, { status: 304, headers: headersOf(etag, 'Origin, Prefer') });
        }
        const completed = searchParams.get('completed');
        const after = searchParams.get('cursor');
        const limit = Number(searchParams.get('limit') ?? 50);
        const [created_at, id] = after === null ? [] : JSON.parse(Buffer.from(after, 'base64url').toString());
        const rows: (TaskRow & { counter: string })[] = await sql`
          select ${COLUMNS}, (select revision from user_revisions where user_id = ${user_id}) as counter
          from tasks where user_id = ${user_id} and deleted_at is null
          ${completed === null ? sql`` : completed === 'true' ? sql`and completed` : sql`and not completed`}
          ${after === null ? sql`` : sql`and (created_at, id) < (${created_at}::timestamptz, ${id}::uuid)`}
          order by created_at desc, id desc limit ${limit + 1}`;
        const page = rows.slice(0, limit);
        const headers: Record<string, string> = headersOf(listTag(rows[0]?.counter ?? '0', search), 'Origin, Prefer');
        const last = page.at(-1);
        if (last && rows.length > limit) {
          searchParams.set('cursor', Buffer.from(JSON.stringify([last.created_at, last.id])).toString('base64url'));
          const first = request.url.split('?', 1)[0];
          headers.link = `<${first}?${searchParams}>; rel="next", <${first}>; rel="first"`;
        }
        const address = addressOf(request.url);
        return large(
          page.map((row) => represent(row, address)),
          headers,
        );
      },
      POST: async (request) => {
        const { user_id } = request.params;
        const body = (await request.json()) as NewTask;
        const {
          title,
          description,
          completed,
          priority,
          tags,
          due_date,
          due_at,
          start_date,
          order,
          project,
          metadata,
        } = body;
        const now = new Date();
        const [row]: [TaskRow] = await sql`
          with bump as (
            insert into user_revisions (user_id, revision) values (${user_id}, 1)
            on conflict (user_id) do update set revision = user_revisions.revision + 1 returning revision
          )
          insert into tasks (id, user_id, title, description, completed, completed_at, priority, tags, due_date, due_at, start_date,
            "order", project, metadata, created_at, updated_at, revision)
          values (${Bun.randomUUIDv7()}, ${user_id}, ${title}, ${description ?? null}, ${completed ?? false},
            ${completed ? now : null}, ${priority ?? 'medium'}, ${sql.array(tags ?? [], 'TEXT')}, ${due_date ?? null},
            ${due_at ?? null}, ${start_date ?? null}, ${order ?? 0}, ${project ?? null},
            ${metadata ? JSON.stringify(metadata) : null}::text::jsonb, ${now}, ${now}, (select revision from bump))
          returning ${COLUMNS}`;
        const task = represent(row, addressOf(request.url));
        return Response.json(task, {
          status: 201,
          headers: { ...headersOf(`"${row.revision}"`), location: task.url },
        });
      },
    },
    '/api/:user_id/tasks/:id': {
      GET: async (request) => {
        const { user_id, id } = request.params;
        return answer(
          await sql`select ${COLUMNS} from tasks where user_id = ${user_id} and id = ${id} and deleted_at is null`,
          request,
        );
      },
      PATCH: async (request) => {
        const { user_id, id } = request.params;
        const { title } = (await request.json()) as NewTask;
        return answer(
          await sql`
            with bump as (
              insert into user_revisions (user_id, revision) values (${user_id}, 1)
              on conflict (user_id) do update set revision = user_revisions.revision + 1 returning revision
            )
            update tasks set title = ${title}, updated_at = ${new Date()}, revision = (select revision from bump)
            where user_id = ${user_id} and id = ${id} and deleted_at is null returning ${COLUMNS}`,
          request,
        );
      },
    },
    '/api/:user_id/tasks/:id/complete': {
      PATCH: async (request) => {
        const { user_id, id } = request.params;
        const now = new Date();
        return answer(
          await sql`
            with bump as (
              insert into user_revisions (user_id, revision) values (${user_id}, 1)
              on conflict (user_id) do update set revision = user_revisions.revision + 1 returning revision
            )
            update tasks set completed = not completed, completed_at = case when completed then null else ${now}::timestamptz end,
              updated_at = ${now}, revision = (select revision from bump)
            where user_id = ${user_id} and id = ${id} and deleted_at is null returning ${COLUMNS}`,
          request,
        );
      },
    },
  },
});

/** JSON as a direct stream: Bun sends it in one system call, a plain answer of over 16 KiB in some forty. */
function large(value: unknown, headers: Record<string, string>): Response {
  const text = JSON.stringify(value);
  const source: Bun.DirectUnderlyingSource<string> = {
    type: 'direct',
    pull(controller) {
      controller.write(text);
      controller.end();
    },
  };
  headers['content-type'] = 'application/json;charset=utf-8';
  return new Response(new ReadableStream(source, { highWaterMark: 2 * text.length }), { headers });
}

function answer([row]: TaskRow[], request: Request): Response {
  if (!row) return new Response(null, { status: 404 });
  const etag = `"${row.revision}"`;
  if (request.headers.get('if-none-match') === etag)
    return new Response(null, { status: 304, headers: headersOf(etag, 'Origin, Prefer') });
  return Response.json(represent(row, addressOf(request.url)), { headers: headersOf(etag, 'Origin, Prefer') });
}

function represent(row: TaskRow, address: string) {
  return {
    id: row.id,
    user_id: row.user_id,
    title: row.title,
    description: row.description,
    completed: row.completed,
    completed_at: row.completed_at?.toISOString() ?? null,
    priority: row.priority,
    tags: row.tags,
    project: row.project,
    due_date: row.due_date?.toISOString().slice(0, 10) ?? null,
    due_at: row.due_at?.toISOString() ?? null,
    start_date: row.start_date?.toISOString().slice(0, 10) ?? null,
    order: row.order,
    metadata: row.metadata ?? {},
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    deleted_at: row.deleted_at?.toISOString() ?? null,
    revision: Number(row.revision),
    url: address + row.id,
  };
}

/** The validator of a list: the user's counter, and what was asked. */
function listTag(counter: string, search: string): string {
  return `"${counter}.${Bun.hash(search).toString(36)}"`;
}

/** The address of the collection that a request is about, with a slash at the end. */
function addressOf(url: string): string {
  return `${url.slice(0, url.indexOf('/tasks') + 6)}/`;
}
