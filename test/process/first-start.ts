/**
 * `bun run test:start`: what somebody with nothing but Bun sees first, on whatever system this is. A start on a new folder,
 * a task, an end as hard as can be, and a second start that still has the task. Ends with `N passed, N failed`.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '../..');
const folder = await mkdtemp(join(tmpdir(), 'todo-api-first-start-'));

/** Starts the service and waits until it listens. */
async function start() {
  const child = Bun.spawn([process.execPath, 'src/main.ts'], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', DATA_DIR: join(folder, 'data'), DATABASE_URL: '', LOG_FORMAT: 'json' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    const address = /"url":"http:\/\/127\.0\.0\.1:(\d+)\/?"/.exec(said);
    if (address) return { child, tasks: `http://127.0.0.1:${address[1]}/api/ada/tasks` };
  }
  throw new Error(`It ended with ${await child.exited}: ${said}`);
}

try {
  const first = await start();
  const created = await fetch(first.tasks, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'To be found again' }),
  });
  assert.equal(created.status, 201);
  const task = (await created.json()) as { id: string; url: string };
  first.child.kill('SIGKILL');
  await first.child.exited;

  const second = await start();
  const url = `${second.tasks}/${task.id}`;
  assert.deepEqual(await (await fetch(url)).json(), { ...task, url });
  second.child.kill();
  await second.child.exited;
  console.log('1 passed, 0 failed');
} catch (error) {
  console.error(error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
