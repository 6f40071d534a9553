import { expect, test } from 'bun:test';
import { count, eq, like } from 'drizzle-orm';
import { idempotencyKeys } from '../../../src/db/schema.ts';
import { purgeAnswers } from '../../../src/tasks/once.ts';
import type { Task } from '../../../src/tasks/schema.ts';
import { createTaskStore } from '../../../src/tasks/store/store.ts';
import { START } from '../../support/app.ts';
import { forEachDatabase } from '../../support/databases.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const headers = { 'idempotency-key': 'k' };

forEachDatabase('The answer to an Idempotency-Key', (open, database) => {
  /** The part of the service that nobody can ask for over HTTP. */
  const purgeAt = (now: number) => purgeAnswers({ store: createTaskStore(database), clock: () => now });

  const keysOf = async (user_id: string) => {
    const rows = await database.db.select().from(idempotencyKeys).where(eq(idempotencyKeys.user_id, user_id));
    return rows.map(({ key }) => key).sort();
  };

  test('is kept for 24 hours, and not longer', async () => {
    const { call, clock, root, stored } = open();
    const create = () => call<Task>('POST', root, { body: { title: 'a' }, headers });
    const first = await create();
    clock.now += DAY_MS;
    expect((await create()).body).toEqual(first.body);
    clock.now += 1;
    const second = await create();
    expect(second.status).toBe(201);
    expect(second.headers).not.toHaveProperty('idempotency-replayed');
    expect(second.body.id).not.toBe(first.body.id);
    expect((await stored()).tasks).toHaveLength(2);
    clock.now += DAY_MS;
    expect((await create()).body).toEqual(second.body);
  });

  test('gives way to another request after 24 hours, of whatever kind', async () => {
    const { call, clock, user, root } = open();
    const { body: task } = await call<Task>('POST', root, { body: { title: 'a' }, headers });
    const changes = [
      ['PATCH', '', { title: 'b' }],
      ['PATCH', '/complete', undefined],
      ['POST', '/restore', undefined],
    ] as const;
    for (const [method, path, body] of changes) {
      expect((await call(method, task.url + path, { body, headers })).status).toBe(422);
      clock.now += DAY_MS + 1;
      const done = await call<Task>(method, task.url + path, { body, headers });
      expect(done.status).toBe(200);
      expect(done.headers).not.toHaveProperty('idempotency-replayed');
      expect((await call(method, task.url + path, { body, headers })).headers['idempotency-replayed']).toBe('true');
    }
    expect(await keysOf(user)).toEqual(['k']);
  });

  test('that is too old makes way once, however many ask at once', async () => {
    const { call, clock, root, stored } = open();
    const create = () => call<Task>('POST', root, { body: { title: 'a' }, headers });
    await create();
    clock.now += DAY_MS + 1;
    const answers = await Promise.all(Array.from({ length: 20 }, create));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter((answer) => !('idempotency-replayed' in answer.headers))).toHaveLength(1);
    expect((await stored()).tasks).toHaveLength(2);
  });

  test('is purged after 24 hours, and not sooner', async () => {
    const { call, clock, user, root } = open();
    const create = (key: string) => call('POST', root, { body: { title: 'a' }, headers: { 'idempotency-key': key } });
    await create('old');
    clock.now += 1;
    await create('new');
    await purgeAt(Date.parse(START) + DAY_MS);
    expect(await keysOf(user)).toEqual(['new', 'old']);
    await purgeAt(Date.parse(START) + DAY_MS + 1);
    expect(await keysOf(user)).toEqual(['new']);
  });

  test('is purged by several processes at once, while keys are used, and each that counts stays', async () => {
    const { call, clock, user, root } = open();
    const { body } = await call<Task>('POST', root, { body: { title: 'a' }, headers });
    const { url: _, ...task } = body;
    const old = Array.from({ length: 2500 }, (_, n) => ({
      user_id: `${user}-${n % 7}`,
      key: `old ${n}`,
      fingerprint: 'f',
      task: task as unknown,
      created_at: START,
    }));
    for (let n = 0; n < old.length; n += 500) await database.db.insert(idempotencyKeys).values(old.slice(n, n + 500));
    clock.now = Date.parse(START) + DAY_MS + 1;
    const create = (n: number) =>
      call('POST', root, { body: { title: `new ${n}` }, headers: { 'idempotency-key': `new ${n}` } });
    const [answers] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, (_, n) => create(n % 20))),
      ...Array.from({ length: 5 }, () => purgeAt(clock.now)),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await keysOf(user)).toEqual(Array.from({ length: 20 }, (_, n) => `new ${n}`).sort());
    const [left] = await database.db
      .select({ count: count() })
      .from(idempotencyKeys)
      .where(like(idempotencyKeys.user_id, `${user}-%`));
    expect(left).toEqual({ count: 0 });
  });
});
