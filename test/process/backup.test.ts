import { expect, test } from 'bun:test';
import { cp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '../../src/tasks/schema.ts';
import { createTasks } from '../support/client.ts';
import { makeFolder } from '../support/folder.ts';
import { walk } from '../support/links.ts';
import { runToEnd, type Service, startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';

async function inFolder(run: (folder: string) => Promise<void>) {
  const { folder, remove } = await makeFolder();
  await run(folder).finally(remove);
}

const titles = async ({ call }: Service) => (await walk(call, PATH, [200])).flat().map(({ title }: Task) => title);

test('A back-up made while clients write holds every task that was acknowledged before it, and can be restored', () =>
  inFolder(async (folder) => {
    const [DATA_DIR, backup] = [join(folder, 'data'), join(folder, 'backups', 'today')];
    const acknowledged: string[] = [];
    let before: string[] = [];
    {
      await using service = await startService({ DATA_DIR });
      const create = createTasks(service.call, PATH);
      let isOver = false;
      const clients = Array.from({ length: 4 }, async (_, client) => {
        for (let n = 0; !isOver; n += 1) acknowledged.push((await create({ title: `${client} ${n}` })).title);
      });
      await until(() => acknowledged.length > 50);
      before = [...acknowledged];
      expect(await runToEnd(['backup', backup], { DATA_DIR })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
      const during = acknowledged.length;
      await until(() => acknowledged.length > during + 10);
      isOver = true;
      await Promise.all(clients);
      expect((await titles(service)).sort()).toEqual(acknowledged.sort());
    }
    // As docs/operations.md says.
    await rm(DATA_DIR, { recursive: true });
    await cp(backup, DATA_DIR, { recursive: true });
    await using restored = await startService({ DATA_DIR });
    const kept = await titles(restored);
    expect(before.filter((title) => !kept.includes(title))).toEqual([]);
    const { revision } = await createTasks(restored.call, PATH)();
    expect(revision).toBe(kept.length + 1);
  }));

test('A back-up can be made while the service does not run', () =>
  inFolder(async (folder) => {
    const [DATA_DIR, backup] = [join(folder, 'data'), join(folder, 'backup')];
    {
      await using service = await startService({ DATA_DIR });
      await createTasks(service.call, PATH)({ title: 'kept' });
    }
    expect(await runToEnd(['backup', backup], { DATA_DIR })).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    await using restored = await startService({ DATA_DIR: backup });
    expect(await titles(restored)).toEqual(['kept']);
  }));

test('A back-up that cannot be made says why in one line, and changes nothing', () =>
  inFolder(async (folder) => {
    const [DATA_DIR, taken] = [join(folder, 'data'), join(folder, 'taken')];
    await Bun.write(join(taken, 'notes.txt'), 'mine');
    const refusal = async (serviceArguments: string[], environment: Record<string, string> = {}) => {
      const { exitCode, stdout, stderr } = await runToEnd(serviceArguments, { DATA_DIR, ...environment });
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      return stderr;
    };
    expect(await refusal(['backup', taken])).toBe(`There is no database in ${DATA_DIR}.\n`);
    await using service = await startService({ DATA_DIR });
    // No other user may ask.
    expect((await stat(join(DATA_DIR, 'backup.sock'))).mode & 0o777).toBe(0o600);
    expect(await refusal(['backup', taken])).toBe(`There is something at ${taken} already.\n`);
    expect(await refusal(['backup'])).toBe('Name the folder to make: backup FOLDER\n');
    expect(await refusal(['backup', taken], { DATABASE_URL: 'postgres://127.0.0.1:1/tasks' })).toContain(
      'docs/operations.md',
    );
    expect(await readdir(taken)).toEqual(['notes.txt']);
    await createTasks(service.call, PATH)();
  }));
