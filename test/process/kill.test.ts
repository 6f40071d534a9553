import { expect, test } from 'bun:test';
import { readdir } from 'node:fs/promises';
import type { Task } from '../../src/tasks/schema.ts';
import { createTasks } from '../support/client.ts';
import { makeFolder } from '../support/folder.ts';
import { walk } from '../support/links.ts';
import { type Service, spawnService, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 240_000;

type StoredTask = Omit<Task, 'url'>;

const PATH = '/api/ada/tasks';

/** The process that is started again has another port. */
function withoutUrl({ url: _, ...task }: Task): StoredTask {
  return task;
}

async function createTask({ call }: Service, title: string): Promise<StoredTask> {
  return withoutUrl(await createTasks(call, PATH)({ title }));
}

async function allTasks({ call }: Service): Promise<StoredTask[]> {
  return (await walk(call, PATH, [200])).flat().map(withoutUrl);
}

test(
  'Of a thousand creates, every one that was acknowledged before kill -9 is there after it',
  async () => {
    const { folder: DATA_DIR, remove } = await makeFolder();
    const acknowledged: StoredTask[] = [];
    let sent = 0;
    {
      await using service = await startService({ DATA_DIR });
      const client = async () => {
        while (sent < 1000) {
          sent += 1;
          acknowledged.push(await createTask(service, `task ${sent}`));
        }
      };
      // The clients that are cut off end with an error.
      const clients = Promise.allSettled(Array.from({ length: 16 }, client));
      await until(() => acknowledged.length >= 500);
      service.kill('SIGKILL');
      await service.exited;
      await clients;
    }
    expect(sent).toBeLessThan(1000);

    await using again = await startService({ DATA_DIR });
    const kept = await allTasks(again);
    const byId = new Map(kept.map((task) => [task.id, task]));
    for (const task of acknowledged) expect(byId.get(task.id)).toEqual(task);
    // Those that were in flight may be there or not.
    expect(kept.length).toBeLessThanOrEqual(sent);
    const revisions = kept.map(({ revision }) => revision).sort((a, b) => a - b);
    expect(revisions).toEqual(Array.from(revisions, (_, n) => n + 1));
    expect((await createTask(again, 'the next one')).revision).toBe(kept.length + 1);
    await remove();
  },
  TIMEOUT_MS,
);

/** Steps of the first start that can be seen from outside, in their order. */
const SEEN = {
  'before anything is there': async () => true,
  'when the folder is locked': (folder: string) => has(folder, 'lock'),
  'while the cluster is unpacked': (folder: string) => has(folder, 'postgres.unfinished'),
  'when the cluster has been unpacked': (folder: string) => has(folder, 'postgres'),
  'when the database has been opened': (folder: string) => has(`${folder}/postgres`, 'postmaster.pid'),
};
/** Two starts of the embedded database for each take long, and what is seen above comes first. */
const DELAYS_MS = process.env.CI ? [100, 200, 400, 800] : [];

async function has(folder: string, name: string): Promise<boolean> {
  return (await readdir(folder).catch((): string[] => [])).includes(name);
}

const POINTS: [string, (folder: string) => Promise<void>][] = [
  ...Object.entries(SEEN).map(([when, seen]): (typeof POINTS)[0] => [when, (folder) => until(() => seen(folder))]),
  ...DELAYS_MS.map((ms): (typeof POINTS)[0] => [`after ${ms} ms`, () => Bun.sleep(ms)]),
];

for (const [when, reached] of POINTS) {
  test(
    `The first start, killed ${when}, leaves a folder that the next start can use`,
    async () => {
      const { folder: DATA_DIR, remove } = await makeFolder();
      const first = spawnService({ DATA_DIR }, { stdout: 'ignore' });
      await reached(DATA_DIR);
      first.kill('SIGKILL');
      await first.exited;
      await using service = await startService({ DATA_DIR });
      expect(await createTask(service, 'first')).toMatchObject({ title: 'first', revision: 1 });
      await remove();
    },
    TIMEOUT_MS,
  );
}
