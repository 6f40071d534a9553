import { expect, test } from 'bun:test';
import { idAt, ORIGIN, START } from '../support/app.ts';
import { forEachDatabase, onOneDatabase } from '../support/databases.ts';
import { invalidInput, success } from '../support/expected.ts';
import { ACCEPTED, REFUSED } from '../support/fields.ts';

forEachDatabase('POST /api/{user_id}/tasks', (open) => {
  test('creates a task from a title alone, with the defaults of every other field', async () => {
    const { call, root, user, stored } = open();
    const task = {
      id: idAt(START),
      user_id: user,
      title: 'Buy milk',
      description: null,
      completed: false,
      completed_at: null,
      priority: 'medium' as const,
      tags: [],
      project: null,
      due_date: null,
      due_at: null,
      start_date: null,
      order: 0,
      metadata: {},
      created_at: START,
      updated_at: START,
      deleted_at: null,
      revision: 1,
      url: `${ORIGIN}${root}/${idAt(START)}`,
    };
    expect(await call('POST', root, { body: { title: 'Buy milk' } })).toEqual(
      success(201, task, { etag: '"1"', location: task.url }),
    );
    const { url: _, ...row } = task;
    expect(await stored()).toEqual({ tasks: [{ ...row, metadata: null, wide_order: null, due: null }], revision: 1 });
  });

  test('creates a task from every field that a client may write', async () => {
    const { call, root, user, stored } = open();
    const fields = {
      title: 'File taxes',
      description: 'With the receipts.',
      completed: true,
      priority: 'high' as const,
      tags: ['money', 'yearly'],
      project: 'Home office',
      due_date: '2026-12-01',
      due_at: null,
      start_date: '2026-11-24',
      order: -5,
      metadata: { estimate: 1.5, colour: 'red', billable: true },
    };
    const row = {
      ...fields,
      id: idAt(START),
      user_id: user,
      completed_at: START,
      created_at: START,
      updated_at: START,
      deleted_at: null,
      revision: 1,
    };
    const url = `${ORIGIN}${root}/${row.id}`;
    expect(await call('POST', root, { body: fields })).toEqual(
      success(201, { ...row, url }, { etag: '"1"', location: url }),
    );
    expect(await stored()).toEqual({
      tasks: [{ ...row, wide_order: null, due: '2026-12-01T00:00:00.000Z' }],
      revision: 1,
    });
  });

  for (const { rule, sent, kept, row = kept } of ACCEPTED) {
    test(`accepts: ${rule}`, async () => {
      const { call, root, stored } = open();
      const answer = await call('POST', root, { body: { title: 'Buy milk', ...sent } });
      expect(answer).toMatchObject({ status: 201, body: kept });
      expect((await stored()).tasks).toMatchObject([row]);
    });
  }

  test('takes the negative zero of JSON for zero', async () => {
    const { call, root, stored } = open();
    const answer = await call('POST', root, {
      raw: '{"title":"Buy milk","order":-0}',
      headers: { 'content-type': 'application/json' },
    });
    expect(Object.is((answer.body as { order: number }).order, 0)).toBe(true);
    expect((await stored()).tasks).toMatchObject([{ order: 0 }]);
  });

  test('takes an integer in whatever way JSON writes it', async () => {
    const { call, root } = open();
    const answer = await call('POST', root, {
      raw: '{"title":"Buy milk","order":1.5e1}',
      headers: { 'content-type': 'application/json' },
    });
    expect(answer).toMatchObject({ status: 201, body: { order: 15 } });
  });

  test('gives rising ids and revisions without a gap, for each user from 1', async () => {
    const { call, user, clock, create, stored } = open();
    const first = await create();
    const second = await create();
    clock.now += 1;
    const third = await create();
    clock.now -= 60_000;
    const fourth = await create();
    const other = await call('POST', `/api/${user}-other/tasks`, { body: { title: 'Buy milk' } });

    expect([first, second, third, fourth].map(({ revision }) => revision)).toEqual([1, 2, 3, 4]);
    expect([first, second, third, fourth].map(({ id }) => id)).toEqual([
      idAt(START, 0),
      idAt(START, 1),
      idAt('2026-11-21T09:30:00.001Z', 0),
      // The clock was set back; ids rise all the same.
      idAt('2026-11-21T09:30:00.001Z', 1),
    ]);
    expect(fourth.created_at).toBe('2026-11-21T09:29:00.001Z');
    expect(other).toMatchObject({ status: 201, body: { revision: 1 } });
    expect((await stored()).revision).toBe(4);
  });

  test('gives parallel requests revisions without a gap and without a repeat', async () => {
    const { create, stored } = open();
    const created = await Promise.all(Array.from({ length: 20 }, () => create()));
    const revisions = created.map(({ revision }) => revision).sort((a, b) => a - b);
    expect(revisions).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect((await stored()).revision).toBe(20);
  });

  test('takes a user id of 255 code points with any printable characters but / and \\, and writes it into the url', async () => {
    const { call, stored, user } = open();
    const owner = `\ufeff${user} a:b?c#d%e&ü${'🦊'.repeat(255 - user.length - 13)}`;
    const path = `/api/${encodeURIComponent(owner)}/tasks`;
    const answer = await call<{ url: string }>('POST', path, { body: { title: 'Buy milk' } });
    expect(answer).toMatchObject({
      status: 201,
      headers: { location: `${ORIGIN}${path}/${idAt(START)}` },
      body: { user_id: owner, url: `${ORIGIN}${path}/${idAt(START)}` },
    });
    expect((await stored(owner)).tasks).toMatchObject([{ user_id: owner }]);
    expect(await call('GET', answer.body.url)).toMatchObject({ status: 200, body: { user_id: owner } });
  });

  test('names the task by the public address of the service where there is one', async () => {
    const { call, root } = open({ publicUrl: 'https://todo.example/v1' });
    const answer = await call('POST', root, { body: { title: 'Buy milk' } });
    const url = `https://todo.example/v1${root}/${idAt(START)}`;
    expect(answer).toMatchObject({ status: 201, headers: { location: url }, body: { url } });
  });

  test('does not mind a slash at the end of the path', async () => {
    const { call, root } = open();
    const answer = await call('POST', `${root}/`, { body: { title: 'Buy milk' } });
    expect(answer).toMatchObject({ status: 201, headers: { location: `${ORIGIN}${root}/${idAt(START)}` } });
  });
});

onOneDatabase('POST /api/{user_id}/tasks', (open) => {
  for (const { rule, sent, pointer, detail } of REFUSED) {
    test(`refuses: ${rule}`, async () => {
      const { refuse, root, stored } = open();
      const answer = await refuse('POST', root, { body: { title: 'Buy milk', ...sent } });
      expect(answer).toEqual(invalidInput(root, [{ in: 'body', pointer, detail }]));
      expect(await stored()).toEqual({ tasks: [], revision: undefined });
    });
  }

  test('requires a title', async () => {
    const { refuse, root } = open();
    const answer = await refuse('POST', root, { body: {} });
    expect(answer).toEqual(invalidInput(root, [{ in: 'body', pointer: '/title', detail: 'is required' }]));
  });

  test('refuses what only the server sets', async () => {
    const { refuse, root, stored } = open();
    const readOnly = ['id', 'user_id', 'completed_at', 'created_at', 'updated_at', 'revision', 'url'];
    const answer = await refuse('POST', root, {
      body: { title: 'Buy milk', ...Object.fromEntries(readOnly.map((field) => [field, null])) },
    });
    const faults = readOnly.map((field) => ({
      in: 'body' as const,
      pointer: `/${field}`,
      detail: 'unknown field',
    }));
    expect(answer).toEqual(invalidInput(root, faults));
    expect(await stored()).toEqual({ tasks: [], revision: undefined });
  });

  test('tells every fault of a request at once, in whatever part of it', async () => {
    const { refuse, stored } = open();
    const path = `/api/${'u'.repeat(256)}/tasks`;
    const answer = await refuse('POST', path, {
      body: { tags: [1, 'home', ''], order: 0.5, due_date: 'soon', due_at: 5, colour: 'red' },
    });
    expect(answer.status).toBe(400);
    const { errors } = answer.body as { errors: { in: string; pointer: string }[] };
    expect(errors.map((fault) => `${fault.in} ${fault.pointer}`).sort()).toEqual([
      'body ',
      'body /colour',
      'body /due_at',
      'body /due_date',
      'body /order',
      'body /tags/0',
      'body /tags/2',
      'body /title',
      'path user_id',
    ]);
    expect(await stored('u'.repeat(256))).toEqual({ tasks: [], revision: undefined });
  });

  for (const [what, id] of [
    ['256 code points', 'u'.repeat(256)],
    ['U+0000', '%00'],
    ['a control character', 'a%1Fb'],
    ['a control character of the second range', 'a%C2%85b'],
  ]) {
    test(`refuses a user id with ${what}`, async () => {
      const { refuse } = open();
      const path = `/api/${id}/tasks`;
      expect(await refuse('POST', path, { body: { title: 'Buy milk' } })).toEqual(
        invalidInput(path, [
          {
            in: 'path',
            pointer: 'user_id',
            detail: 'must be a string of 1 to 255 characters, without control characters',
          },
        ]),
      );
    });
  }
});
