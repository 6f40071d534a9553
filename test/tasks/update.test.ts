import { expect, test } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { invalidInput, success, taskNotFound } from '../support/expected.ts';
import { ACCEPTED, MISSING_IDS, READ_ONLY, REFUSED } from '../support/fields.ts';

const LATER = '2026-11-21T09:31:00.000Z';

forEachDatabase('PATCH /api/{user_id}/tasks/{id}', (open) => {
  const BEFORE = {
    title: 'Before',
    description: 'Before',
    priority: 'low',
    tags: ['before'],
    project: 'Before',
    due_date: '2026-01-01',
    start_date: '2025-12-24',
    order: 1,
  };

  for (const [field, value] of Object.entries({
    title: 'After',
    description: 'After',
    priority: 'high',
    tags: ['after', 'before'],
    project: 'After',
    due_date: '2026-12-31',
    start_date: '2026-12-24',
    order: -1,
    metadata: { colour: 'red' },
  })) {
    test(`changes ${field} alone and leaves every other field as it is`, async () => {
      const { call, clock, create, stored } = open();
      const task = await create(BEFORE);
      const { tasks: before } = await stored();
      clock.now = Date.parse(LATER);
      const changes = { [field]: value, updated_at: LATER, revision: 2 };
      const answer = await call('PATCH', task.url, { body: { [field]: value } });
      expect(answer).toEqual(success(200, { ...task, ...changes }, { etag: '"2"' }));
      const due = field === 'due_date' ? { due: '2026-12-31T00:00:00.000Z' } : {};
      expect(await stored()).toEqual({ tasks: before.map((row) => ({ ...row, ...changes, ...due })), revision: 2 });
    });
  }

  for (const { rule, sent, kept, row = kept } of ACCEPTED) {
    test(`accepts: ${rule}`, async () => {
      const { call, create, stored } = open();
      const task = await create({ description: 'Before', tags: ['before'], order: 1 });
      const answer = await call('PATCH', task.url, { body: sent });
      const { updated_at: _, revision: __, ...others } = task;
      expect(answer).toMatchObject({ status: 200, body: { ...others, ...kept } });
      expect((await stored()).tasks).toMatchObject([row]);
    });
  }

  test('merges metadata by key: what is left out stays, null removes a key', async () => {
    const { call, create } = open();
    const { url } = await create({ metadata: { colour: 'red', estimate: 3, done: false } });
    for (const [patch, metadata, revision] of [
      [{ colour: 'blue' }, { colour: 'blue', estimate: 3, done: false }, 2],
      [{ done: null, place: 'home' }, { colour: 'blue', estimate: 3, place: 'home' }, 3],
      [{ estimate: 3, other: null }, { colour: 'blue', estimate: 3, place: 'home' }, 3],
      [{}, { colour: 'blue', estimate: 3, place: 'home' }, 3],
      [{ colour: null, estimate: null, place: null }, {}, 4],
      [{ colour: null }, {}, 4],
    ] as const) {
      const answer = await call('PATCH', url, { body: { metadata: patch } });
      expect(answer).toMatchObject({ status: 200, headers: { etag: `"${revision}"` }, body: { revision } });
      expect((answer.body as Task).metadata).toEqual(metadata);
    }
  });

  test('patches of different keys at the same moment all win', async () => {
    const { call, create } = open();
    const { url } = await create({ metadata: { here: true } });
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`);
    const answers = await Promise.all(keys.map((key) => call('PATCH', url, { body: { metadata: { [key]: key } } })));
    expect(answers.map(({ status }) => status)).toEqual(keys.map(() => 200));
    const { body } = await call<Task>('GET', url);
    expect(body).toMatchObject({ revision: 21 });
    expect(body.metadata).toEqual({ here: true, ...Object.fromEntries(keys.map((key) => [key, key])) });
  });

  test('refuses metadata that together with what is there has more than 50 keys, and changes nothing', async () => {
    const { call, create, stored, root } = open();
    const metadata = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`key ${n}`, n]));
    const { id, url } = await create({ metadata });
    const before = await stored();
    const refusal = invalidInput(`${root}/${id}`, [
      { in: 'body', pointer: '/metadata', detail: 'must not leave the task more than 50 keys' },
    ]);
    const body = { order: 5, metadata: { a: 1, b: 2 } };
    expect(await call('PATCH', url, { body })).toEqual(refusal);
    expect(await call('PATCH', url, { body, headers: { 'idempotency-key': 'k' } })).toEqual(refusal);
    expect(await stored()).toEqual(before);
    const exchanged = await call<Task>('PATCH', url, { body: { metadata: { ...body.metadata, 'key 0': null } } });
    expect(exchanged.status).toBe(200);
    expect(Object.keys(exchanged.body.metadata)).toHaveLength(50);
  });

  test('takes both media types of a patch', async () => {
    const { call, create } = open();
    const { url } = await create();
    for (const [order, type] of ['application/merge-patch+json', 'application/json'].entries()) {
      const answer = await call('PATCH', url, { body: { order }, headers: { 'content-type': type } });
      expect(answer).toMatchObject({ status: 200, body: { order } });
    }
  });

  test('clears what can be null, and nothing else, by null', async () => {
    const { call, create } = open();
    const { url } = await create({ description: 'Before', due_date: '2026-12-01', tags: ['a'] });
    const answer = await call('PATCH', url, { body: { description: null, due_date: null } });
    expect(answer).toMatchObject({ status: 200, body: { description: null, due_date: null, tags: ['a'] } });
  });

  const SAME = {
    'an empty patch': {},
    'the same values': { title: 'Buy milk', tags: ['a', 'b'], due_at: '2026-12-01T09:30:00.000Z', order: 0 },
    'values that are the same once normalised': {
      title: ' Buy milk\t',
      tags: ['A ', 'b', 'a'],
      due_at: '2026-12-01T10:30:00+01:00',
      order: -0,
    },
    'the null of what is null': { description: null, due_date: null },
    'nothing but what only the server sets': READ_ONLY,
  };
  for (const [what, patch] of Object.entries(SAME)) {
    test(`keeps the revision and the time of a task at ${what}`, async () => {
      const { call, clock, create, stored } = open();
      const task = await create({ tags: ['a', 'b'], due_at: '2026-12-01T09:30:00Z' });
      const before = await stored();
      clock.now = Date.parse(LATER);
      expect(await call('PATCH', task.url, { body: patch })).toEqual(success(200, task, { etag: '"1"' }));
      expect(await stored()).toEqual(before);
    });
  }

  test('takes another order of the same tags for a change', async () => {
    const { call, create } = open();
    const { url } = await create({ tags: ['a', 'b'] });
    const answer = await call('PATCH', url, { body: { tags: ['b', 'a'] } });
    expect(answer).toMatchObject({ status: 200, body: { tags: ['b', 'a'], revision: 2 } });
  });

  test('ignores what only the server sets beside what the client may', async () => {
    const { call, clock, create } = open();
    const task = await create();
    clock.now = Date.parse(LATER);
    expect(await call('PATCH', task.url, { body: { ...READ_ONLY, order: 3 } })).toEqual(
      success(200, { ...task, order: 3, updated_at: LATER, revision: 2 }, { etag: '"2"' }),
    );
  });

  for (const [has, gets] of [
    [{ due_date: '2026-12-01' }, { due_at: '2026-12-01T09:30:00.000Z' }],
    [{ due_at: '2026-12-01T09:30:00.000Z' }, { due_date: '2026-12-01' }],
  ] as const) {
    const [had, given] = [Object.keys(has), Object.keys(gets)].map(String) as [string, string];

    test(`does not give a task with ${had} ${given} as well`, async () => {
      const { call, root, create, stored } = open();
      const { id } = await create(has);
      const before = await stored();
      expect(await call('PATCH', `${root}/${id}`, { body: { title: 'After', ...gets } })).toEqual(
        invalidInput(`${root}/${id}`, [
          { in: 'body', pointer: '', detail: 'must not leave the task both due_date and due_at' },
        ]),
      );
      expect(await stored()).toEqual(before);
    });

    test(`exchanges ${had} for ${given} in one patch`, async () => {
      const { call, create } = open();
      const { url } = await create(has);
      const answer = await call('PATCH', url, { body: { [had]: null, ...gets } });
      expect(answer).toMatchObject({ status: 200, body: { [had]: null, ...gets } });
    });
  }

  test('sets the time of completion when the task becomes completed, keeps it while it is, and clears it after', async () => {
    const { call, clock, create } = open();
    const { url } = await create();
    const patch = async (body: object) => (await call<Task>('PATCH', url, { body })).body.completed_at;
    clock.now = Date.parse(LATER);
    expect(await patch({ completed: true })).toBe(LATER);
    clock.now += 1000;
    expect(await patch({ completed: true })).toBe(LATER);
    expect(await patch({ title: 'Still completed' })).toBe(LATER);
    expect(await patch({ completed: false })).toBeNull();
    expect(await patch({ completed: true, completed_at: null })).toBe('2026-11-21T09:31:01.000Z');
  });

  test('loses no change of patches that run at the same time', async () => {
    const { call, create, stored } = open();
    const { url } = await create();
    const patches = [
      { title: 'After' },
      { description: 'After' },
      { priority: 'high' },
      { tags: ['after'] },
      { due_date: '2026-12-01' },
      { order: 5 },
      { completed: true },
    ];
    const answers = await Promise.all(patches.map((body) => call<Task>('PATCH', url, { body })));
    expect(answers.map(({ body }) => body.revision).sort()).toEqual([2, 3, 4, 5, 6, 7, 8]);
    const { body } = await call('GET', url);
    expect(body).toMatchObject(Object.assign({ revision: 8 }, ...patches));
    expect((await stored()).revision).toBe(8);
  });

  for (const { what, id } of MISSING_IDS) {
    test(`answers 404 to ${what}`, async () => {
      const { call, root, stored } = open();
      expect(await call('PATCH', `${root}/${id}`, { body: { order: 1 } })).toEqual(taskNotFound(`${root}/${id}`));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }

  test('does not find what was deleted, even when the patch would change nothing', async () => {
    const { call, root, create, stored } = open();
    const { id } = await create();
    await call('DELETE', `${root}/${id}`);
    const before = await stored();
    for (const body of [{ order: 1 }, {}]) {
      expect(await call('PATCH', `${root}/${id}`, { body })).toEqual(taskNotFound(`${root}/${id}`));
    }
    expect(await stored()).toEqual(before);
  });
});

onOneDatabase('PATCH /api/{user_id}/tasks/{id}', (open) => {
  for (const { rule, sent, pointer, detail, patchDetail = detail } of REFUSED) {
    test(`refuses, and leaves the task as it is: ${rule}`, async () => {
      const { refuse, root, create, stored } = open();
      const { id } = await create();
      const before = await stored();
      expect(await refuse('PATCH', `${root}/${id}`, { body: { order: 5, ...sent } })).toEqual(
        invalidInput(`${root}/${id}`, [{ in: 'body', pointer, detail: patchDetail }]),
      );
      expect(await stored()).toEqual(before);
    });
  }
});
