import { expect, test } from 'bun:test';
import { randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createTasks } from '../support/client.ts';
import { makeFolder } from '../support/folder.ts';
import { startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';

test('The embedded database is checkpointed and vacuumed once its clients are quiet', async () => {
  const { folder: DATA_DIR, remove } = await makeFolder();
  {
    await using service = await startService({ DATA_DIR, LOG_LEVEL: 'debug', EMBEDDED_SYNC: 'off' });
    const create = createTasks(service.call, PATH);
    const isDone = (work: object) => async () => (await service.log()).some((line) => Bun.deepMatch(work, line));
    // 12 MB that do not compress, and then as many dead rows as tasks.
    for (let round = 0; round < 6; round += 1)
      await Promise.all(
        Array.from({ length: 200 }, () => create({ description: randomBytes(5000).toString('hex').slice(0, 10_000) })),
      );
    await until(isDone({ msg: 'upkeep', done: 'checkpoint' }));
    expect(await sizeOf(join(DATA_DIR, 'postgres', 'pg_wal'))).toBeLessThan(100e6);
    expect((await service.call('DELETE', PATH)).status).toBe(204);
    await until(isDone({ msg: 'upkeep', done: 'vacuum', table: 'tasks' }));
  }
  await remove();
});

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
