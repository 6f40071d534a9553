import { expect, test } from 'bun:test';
import { Connection } from '../support/connection.ts';
import { openFaultyDatabase } from '../support/faulty-database.ts';

const HEAD = 'POST /api/mallory/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';

/** What a client has sent when it begins to send one byte at a time, and the byte. */
const SLOW = {
  headers: [HEAD, 'x'],
  'a body': [`${HEAD}Content-Length: 10000\r\n\r\n{`, ' '],
  'a body in chunks': [`${HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`, '1\r\n \r\n'],
} as const;

const MAX_IN_FLIGHT = 4;
const DRIP_MS = 500;

test('Clients that send byte by byte are cut, and meanwhile all others are served', async () => {
  await using database = await openFaultyDatabase('PostgreSQL');
  await using service = await database.serve({ MAX_IN_FLIGHT: String(MAX_IN_FLIGHT), DATABASE_TIMEOUT_MS: '1000' });
  let open = 0;
  const cut = Object.values(SLOW).flatMap(([start, drip]) =>
    Array.from({ length: 2 * MAX_IN_FLIGHT }, async () => {
      const socket = await new Connection(service.origin).connect();
      open += 1;
      socket.write(start);
      // Whatever it is answered must not keep it open.
      socket.resume();
      const timer = setInterval(() => socket.write(drip), DRIP_MS);
      await new Promise((resolve) => socket.once('close', resolve));
      clearInterval(timer);
      open -= 1;
    }),
  );
  const all = Promise.all(cut);
  const client = new Connection(service.origin);
  let isOver = false;
  all.finally(() => {
    isOver = true;
  });
  let served = 0;
  while (!isOver) {
    const created = await client.request('POST', '/api/ada/tasks', { body: { title: `Task ${served}` } });
    expect([created.status, (await client.request('GET', '/api/ada/tasks')).status]).toEqual([201, 200]);
    served += 1;
    await Bun.sleep(100);
  }
  await all;
  expect(open).toBe(0);
  const { titles, revisions } = await database.stored();
  expect([titles.length, [...revisions.keys()]]).toEqual([served, ['ada']]);
});
