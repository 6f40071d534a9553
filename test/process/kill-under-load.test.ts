import { expect, test } from 'bun:test';
import { Connection, Refused, Unanswered } from '../support/connection.ts';
import { makeFolder } from '../support/folder.ts';
import { walk } from '../support/links.ts';
import { startService } from '../support/service.ts';
import { until } from '../support/until.ts';

/** Each round starts the embedded database anew, which is what takes long here. */
const ROUNDS = process.env.CI ? 20 : 5;
const CLIENTS = 4;

test(`PGlite, killed in the middle of writes ${ROUNDS} times, loses no task that was acknowledged`, async () => {
  const { folder: DATA_DIR, remove } = await makeFolder();
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    await using service = await startService({ DATA_DIR });
    const before = acknowledged.size;
    const clients = Array.from({ length: CLIENTS }, async (_, index) => {
      const client = new Connection(service.origin);
      try {
        for (let n = 0; ; n += 1) {
          const title = `${round} ${index} ${n}`;
          sent.add(title);
          const { status } = await client.request('POST', '/api/ada/tasks', { body: { title } });
          expect(status).toBe(201);
          acknowledged.add(title);
        }
      } catch (error) {
        // The only way out: the process is gone.
        if (!(error instanceof Refused || error instanceof Unanswered)) throw error;
      }
    });
    await until(() => acknowledged.size >= before + 10);
    service.kill('SIGKILL');
    await Promise.all(clients);
  }

  await using service = await startService({ DATA_DIR });
  const stored = (await walk(service.call, '/api/ada/tasks', [200])).flat().map(({ title }) => title);
  expect([...acknowledged].filter((title) => !stored.includes(title))).toEqual([]);
  expect(stored.filter((title) => !sent.has(title))).toEqual([]);
  expect(stored.length).toBe(new Set(stored).size);
  await remove();
});
