/** The hourly purge of kept answers, as the app starts and stops it: no test can wait an hour. */
import { afterEach, expect, mock, spyOn, test } from 'bun:test';
import { eq } from 'drizzle-orm';
import { idempotencyKeys } from '../../../src/db/schema.ts';
import { DatabaseUnavailable } from '../../../src/errors.ts';
import { START } from '../../support/app.ts';
import { databases, forEachDatabase, type TestDatabase } from '../../support/databases.ts';
import { serve } from '../../support/server.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

afterEach(() => mock.restore());

/** Serves an app whose hourly timer strikes when the test says so; all other timers are left alone. */
function serveWithClock(database?: TestDatabase) {
  const { setInterval, clearInterval } = globalThis;
  const running = new Map<Timer, () => Promise<void>>();
  spyOn(globalThis, 'setInterval').mockImplementation(((callback: () => Promise<void>, delay: number) => {
    const timer = setInterval(callback, delay);
    if (delay === HOUR_MS) running.set(timer, callback);
    return timer;
  }) as never);
  spyOn(globalThis, 'clearInterval').mockImplementation(((timer: Timer) => {
    clearInterval(timer);
    running.delete(timer);
  }) as never);
  return {
    ...serve({}, database),
    /** How many hourly timers run. */
    timers: () => running.size,
    strike: () => Promise.all([...running.values()].map((callback) => callback())),
  };
}

forEachDatabase('The hourly purge', (_, database) => {
  test('deletes the answers that have expired, and no others', async () => {
    await using server = serveWithClock(database);
    const { call, clock, user, root, strike } = server;
    const create = (key: string) => call('POST', root, { body: { title: 'a' }, headers: { 'idempotency-key': key } });
    const keys = async () => {
      const rows = await database.db.select().from(idempotencyKeys).where(eq(idempotencyKeys.user_id, user));
      return rows.map(({ key }) => key).sort();
    };
    await create('old');
    clock.now += 1;
    await create('new');
    clock.now = Date.parse(START) + DAY_MS;
    await strike();
    expect(await keys()).toEqual(['new', 'old']);
    clock.now += 1;
    await strike();
    expect(await keys()).toEqual(['new']);
  });
});

test('The hourly purge runs from the start of the app to its stop', async () => {
  await using server = serveWithClock();
  expect(server.timers()).toBe(1);
  await server.app.stop();
  expect(server.timers()).toBe(0);
});

test('An hourly purge that fails is logged, and tried again an hour later', async () => {
  const failure = new DatabaseUnavailable(new Error('Connection refused'));
  const write = mock(() => Promise.resolve<unknown>([])).mockRejectedValueOnce(failure);
  await using server = serveWithClock({ ...databases[0], write: write as never });
  await server.strike();
  expect(server.log).toEqual([
    { level: 'warn', error: 'DatabaseUnavailable: The database cannot be reached.', msg: 'purge failed' },
  ]);
  await server.strike();
  expect(write).toHaveBeenCalledTimes(2);
  expect(server.log).toHaveLength(1);
});
