/** What another request does between two statements of one: at the moment that no timing could hit for sure. */
import { expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { createTestApp } from '../support/app.ts';
import { forEachDatabase, type TestDatabase } from '../support/databases.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

forEachDatabase('A request that another one comes in between', (_, database) => {
  /** An app whose `n`th statement that writes, counted from `arm`, waits for something else to be done first. */
  function openInterrupted() {
    let left = 0;
    let interrupt = async (): Promise<unknown> => undefined;
    const write: TestDatabase['write'] = async (statement) => {
      left -= 1;
      if (left === 0) await interrupt();
      return database.write(statement);
    };
    return {
      ...createTestApp({ ...database, write, writeOnce: write }),
      arm(n: number, action: () => Promise<unknown>) {
        left = n;
        interrupt = action;
      },
    };
  }

  /** An app whose next statement that writes finds nothing to write. */
  function openLosing() {
    let isLost = false;
    const write: TestDatabase['write'] = (statement) => {
      if (!isLost) return database.write(statement);
      isLost = false;
      return Promise.resolve([] as never);
    };
    return {
      ...createTestApp({ ...database, write, writeOnce: write }),
      lose: () => {
        isLost = true;
      },
    };
  }

  test('changes the task all the same, when the other one made the change possible again', async () => {
    const { call, create, lose } = openLosing();
    const { url } = await create();
    lose();
    const patched = await call<Task>('PATCH', url, { body: { title: 'b' } });
    expect(patched).toMatchObject({ status: 200, body: { title: 'b', revision: 2 } });
    lose();
    expect(await call('PATCH', `${url}/complete`)).toMatchObject({
      status: 200,
      body: { completed: true, revision: 3 },
    });
    await call('DELETE', url);
    lose();
    expect(await call('POST', `${url}/restore`)).toMatchObject({ status: 200, body: { revision: 5 } });
    expect(await call('GET', url)).toMatchObject({ status: 200, body: { title: 'b', completed: true, revision: 5 } });
  });

  test('keeps no answer of a task that has changed since it was read, and changes it back', async () => {
    const { call, create, arm } = openInterrupted();
    const other = createTestApp(database);
    const { url } = await create({ title: 'a' });
    // The first statement finds nothing to change, the second is to keep the task as the answer.
    arm(2, () => other.call('PATCH', url, { body: { title: 'b' } }));
    const patch = () => call<Task>('PATCH', url, { body: { title: 'a' }, headers: { 'idempotency-key': 'k' } });
    const first = await patch();
    expect(first).toMatchObject({ status: 200, body: { title: 'a', revision: 3 } });
    const second = await patch();
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
  });

  test('forgets no answer but the one that has expired', async () => {
    const { call, clock, root, stored, arm } = openInterrupted();
    const other = createTestApp(database);
    const request = { body: { title: 'a' }, headers: { 'idempotency-key': 'k' } };
    await call('POST', root, request);
    clock.now += DAY_MS + 1;
    other.clock.now = clock.now;
    // The first statement finds the key taken, the second is to forget the answer that has expired.
    let theirs: { body: unknown } | undefined;
    arm(2, async () => {
      theirs = await other.call('POST', root, request);
    });
    const mine = await call('POST', root, request);
    expect(mine).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
    expect(mine.body).toEqual(theirs?.body);
    expect((await stored()).tasks).toHaveLength(2);
  });
});
