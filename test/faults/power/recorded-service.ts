/** The service under strace, with clients that write to it: what it did to its folder, and what it answered meanwhile. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../../src/tasks/schema.ts';
import { Connection, Refused, Unanswered } from '../../support/connection.ts';
import { until } from '../../support/until.ts';
import { straced } from './trace.ts';

const MAIN = Bun.fileURLToPath(import.meta.resolve('../../../src/main.ts'));
const CLIENTS = 6;

export interface Recording {
  /** The folder that the service was started on. */
  folder: string;
  trace: string;
}

export interface Steps {
  /** Lets clients create and change tasks until so many more requests have been answered. */
  load: (answers: number) => Promise<void>;
  /** Makes a back-up, which begins with a checkpoint, beside whatever else is done. */
  backUp: (target: string) => Promise<void>;
  stop: (signal: NodeJS.Signals) => Promise<void>;
}

/** Runs the service on `folder` for as long as `run` takes; it must stop it. */
export async function record(folder: string, trace: string, run: (steps: Steps) => Promise<void>): Promise<Recording> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: folder };
  const log = `${trace}.log`;
  const strace = Bun.spawn(straced([process.execPath, MAIN], trace), {
    env: { ...env, PORT: '0' },
    stdout: Bun.file(log),
    stderr: 'pipe',
  });
  let origin: string | undefined;
  await until(async () => {
    if (strace.exitCode !== null) throw new Error(`It did not start: ${await new Response(strace.stderr).text()}`);
    origin = /"url":"(http:[^"]+)"/.exec(await Bun.file(log).text())?.[1];
    return origin !== undefined;
  });
  const steps: Steps = {
    load: (answers) => load(new URL(origin as string).origin, answers),
    async backUp(target) {
      const backup = Bun.spawn([process.execPath, MAIN, 'backup', target], { env, stderr: 'pipe' });
      if ((await backup.exited) !== 0) throw new Error(await new Response(backup.stderr).text());
    },
    async stop(signal) {
      const [pid] = (
        await readFile(join('/proc', String(strace.pid), 'task', String(strace.pid), 'children'), 'utf8')
      ).split(' ');
      process.kill(Number(pid), signal);
      await strace.exited;
    },
  };
  try {
    await run(steps);
  } finally {
    strace.kill('SIGKILL');
  }
  return { folder, trace };
}

async function load(origin: string, answers: number): Promise<void> {
  let left = answers;
  const clients = Array.from({ length: CLIENTS }, async (_, index) => {
    const client = new Connection(origin);
    const root = `/api/client-${index}/tasks`;
    let url = '';
    try {
      while (left > 0) {
        left -= 1;
        const { status, body } =
          left % 3 === 0 && url
            ? await client.request<Task>('PATCH', url, { body: { completed: left % 2 === 0, tags: [`t${left}`] } })
            : await client.request<Task>('POST', root, {
                body: { title: `task ${left}`, description: 'x'.repeat(left % 500) },
              });
        if (status !== 200 && status !== 201) throw new Error(JSON.stringify(body));
        url = `${root}/${body.id}`;
      }
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Unanswered)) throw error;
    }
    client.close();
  });
  await Promise.all(clients);
}
