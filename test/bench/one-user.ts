/**
 * `bun test/bench/one-user.ts`: how long others wait while one user asks for far too much, against what they wait when
 * nobody does. Each case should leave their 99th percentile within twice the quiet one and 50 ms.
 */
import { SQL } from 'bun';
import type { Task } from '../../src/tasks/schema.ts';
import { Connection } from '../support/connection.ts';
import { FOLDER, makeFolder } from '../support/folder.ts';
import { createDatabase, SERVER_URL, startPostgres } from '../support/postgres.ts';
import { type Service, startService } from '../support/service.ts';

const QUIET_MS = 4000;
const LOAD_MS = 6000;
const OTHERS = 8;
const PAUSE_MS = 4;
const MANY = 60_000;
const ROOT = '/api/ada/tasks';

interface Stage {
  service: Service;
  sql: SQL;
  /** The path of a task of the user. */
  path: string;
}

type Case = (stage: Stage) => Promise<Record<string, number>>;

const CASES: Record<string, Case> = {
  '200 PATCHes of a user whose counter is locked': (stage) =>
    whileLocked(stage, 'select from user_revisions where user_id = $1 for update'),
  '200 PATCHes of a user whose task is locked': (stage) =>
    whileLocked(stage, 'select from tasks where user_id = $1 for update'),
  'DELETE of 60,000 tasks and 20 PATCHes': async ({ service, sql, path }) => {
    await sql`
      insert into tasks (id, user_id, title, completed, priority, tags, "order", created_at, updated_at, revision)
      select gen_random_uuid(), 'ada', 'Task ' || n, false, 'medium', '{}', 0, now(), now(), n + 1
      from generate_series(1, ${MANY}) n`;
    await sql`update user_revisions set revision = ${MANY + 1} where user_id = 'ada'`;
    const deletion = new Connection(service.origin).request('DELETE', ROOT);
    const statuses = await patchOnce(service, path, 20);
    return count(statuses, (await deletion).status);
  },
  '200 clients that create without a pause': async ({ service }) => {
    const statuses: Record<string, number> = {};
    const end = performance.now() + LOAD_MS;
    const create = async () => {
      const client = new Connection(service.origin);
      while (performance.now() < end) {
        const { status, headers } = await client.request('POST', ROOT, { body: { title: 'Buy milk' } });
        count(statuses, status);
        if (status === 429) await Bun.sleep(Number(headers['retry-after']) * 1000);
      }
      client.close();
    };
    await Promise.all(Array.from({ length: 200 }, create));
    return statuses;
  },
};

async function whileLocked({ service, sql, path }: Stage, lock: string) {
  const held = await sql.reserve();
  await held.unsafe('begin');
  await held.unsafe(lock, ['ada']);
  const patches = patchOnce(service, path, 200);
  await Bun.sleep(LOAD_MS);
  await held.unsafe('commit');
  held.release();
  return patches;
}

async function patchOnce(service: Service, path: string, clients: number): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  const patch = async (_: unknown, n: number) => {
    const client = new Connection(service.origin);
    count(statuses, (await client.request('PATCH', path, { body: { order: n } })).status);
    client.close();
  };
  await Promise.all(Array.from({ length: clients }, patch));
  return statuses;
}

function count(statuses: Record<string, number>, status: number): Record<string, number> {
  statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
}

/** Others, who read and write one request after the other. `take` returns how long each took since the last `take`. */
function startOthers({ origin }: Service) {
  let times: number[] = [];
  let isStopping = false;
  const ask = async (_: unknown, n: number) => {
    const client = new Connection(origin);
    const root = `/api/other-${n}/tasks`;
    const { body } = await client.request<Task>('POST', root, { body: { title: 'Buy milk' } });
    const { pathname } = new URL(body.url);
    for (let turn = 0; !isStopping; turn += 1) {
      const startedAt = performance.now();
      if (turn % 4 === 0) await client.request('GET', `${root}?limit=20`);
      else if (turn % 4 === 1) await client.request('PATCH', pathname, { body: { order: turn } });
      else if (turn % 4 === 2) await client.request('GET', pathname);
      else await client.request('POST', root, { body: { title: 'Buy milk' } });
      times.push(performance.now() - startedAt);
      await Bun.sleep(PAUSE_MS);
    }
    client.close();
  };
  const running = Promise.all(Array.from({ length: OTHERS }, ask));
  return {
    take() {
      const taken = times.sort((a, b) => a - b);
      times = [];
      return taken;
    },
    stop() {
      isStopping = true;
      return running;
    },
  };
}

function summary(times: number[]): string {
  const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? Number.NaN).toFixed(1);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)} ms, ${times.length} requests`;
}

async function measure(name: string, run: Case): Promise<void> {
  const url = await createDatabase();
  const sql = new SQL(url, { max: 2 });
  await using service = await startService({ DATABASE_URL: url, LOG_FORMAT: 'json' });
  const { body } = await service.call<Task>('POST', ROOT, { body: { title: 'Buy milk' } });
  const others = startOthers(service);
  await Bun.sleep(1000);
  others.take();
  await Bun.sleep(QUIET_MS);
  console.log(`${name}\n  quiet: ${summary(others.take())}`);
  const statuses = await run({ service, sql, path: new URL(body.url).pathname });
  console.log(`  then:  ${summary(others.take())}\n  the user's answers: ${JSON.stringify(statuses)}`);
  await others.stop();
  await sql.close();
}

const { folder, remove } = await makeFolder();
process.env[FOLDER] = folder;
const server = await startPostgres();
process.env[SERVER_URL] = server.url;
for (const [name, run] of Object.entries(CASES)) await measure(name, run);
await server.stop();
await remove();
