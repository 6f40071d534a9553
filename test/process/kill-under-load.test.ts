import { expect, test } from 'bun:test';
import { Client, Refused, Unanswered } from '../support/connection.ts';
import { makeFolder } from '../support/folder.ts';
import { startService } from '../support/service.ts';
import { until } from '../support/until.ts';

const ROUNDS = 20;
const CLIENTS = 4;

test(`PGlite, killed in the middle of writes ${ROUNDS} times, loses no task that was acknowledged`, async () => {
  const { folder: DATA_DIR, remove } = await makeFolder();
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    await using service = await startService({ DATA_DIR });
    const before = acknowledged.size;
    const clients = Array.from({ length: CLIENTS }, async (_, index) => {
      const client = new Client(service.origin);
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
  const client = new Client(service.origin);
  const stored: string[] = [];
  let path = '/api/ada/tasks?limit=200';
  while (path) {
    const { headers, body } = await client.request('GET', path);
    for (const { title } of JSON.parse(body)) stored.push(title);
    const next = /<([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1];
    path = next ? new URL(next).pathname + new URL(next).search : '';
  }
  expect([...acknowledged].filter((title) => !stored.includes(title))).toEqual([]);
  expect(stored.filter((title) => !sent.has(title))).toEqual([]);
  expect(stored.length).toBe(new Set(stored).size);
  client.close();
  await remove();
});
