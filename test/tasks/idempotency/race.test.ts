import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase } from '../../support/databases.ts';
import type { Answer } from '../../support/openapi.ts';

const REPEATS = 100;
const repeats = Array.from({ length: REPEATS }, (_, n) => n);

/** One of the answers is the first; the others are the same but for saying that they repeat it. */
function expectOneAnswer(answers: Answer[], status: number): Answer<Task> {
  const first = answers.filter(({ headers }) => !('idempotency-replayed' in headers));
  expect(first).toHaveLength(1);
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
  const distinct = new Set(
    answers.map(({ headers: { 'x-request-id': _, 'idempotency-replayed': __, ...headers }, body }) =>
      JSON.stringify([headers, body]),
    ),
  );
  expect(distinct.size).toBe(1);
  return first[0] as Answer<Task>;
}

forEachDatabase(`${REPEATS} repeats of a request at once, under one Idempotency-Key,`, (open) => {
  const headers = { 'idempotency-key': 'k' };

  test('create one task', async () => {
    const { call, root, stored } = open();
    const answers = await Promise.all(repeats.map(() => call('POST', root, { body: { title: 'a' }, headers })));
    const { body } = expectOneAnswer(answers, 201);
    expect(await stored()).toMatchObject({ tasks: [{ id: body.id, revision: 1 }], revision: 1 });
  });

  for (const [what, method, path, body, deleted, changed] of [
    ['patch once', 'PATCH', '', { order: 7 }, false, { order: 7 }],
    ['toggle once', 'PATCH', '/complete', undefined, false, { completed: true }],
    ['restore once', 'POST', '/restore', undefined, true, { deleted_at: null }],
  ] as const) {
    test(what, async () => {
      const { call, create, stored } = open();
      const { url, revision } = await create();
      if (deleted) await call('DELETE', url);
      const expected = deleted ? revision + 2 : revision + 1;
      const answers = await Promise.all(repeats.map(() => call(method, url + path, { body, headers })));
      expectOneAnswer(answers, 200);
      expect(await stored()).toMatchObject({ tasks: [{ ...changed, revision: expected }], revision: expected });
    });
  }

  test('patch once though each names the tag that only the first can find', async () => {
    const { call, create, stored } = open();
    const { url } = await create();
    const conditional = { ...headers, 'if-match': '"1"' };
    const send = () => call('PATCH', url, { body: { order: 7 }, headers: conditional });
    const answers = await Promise.all(repeats.map(send));
    expectOneAnswer(answers, 200);
    expect((await stored()).revision).toBe(2);
  });

  test('change nothing where there is nothing to change, and still are one request', async () => {
    const { call, create, stored } = open();
    const { url, title } = await create();
    const answers = await Promise.all(repeats.map(() => call('PATCH', url, { body: { title }, headers })));
    expectOneAnswer(answers, 200);
    expect((await stored()).revision).toBe(1);
    await call('PATCH', url, { body: { title: 'b' } });
    expect((await call('PATCH', url, { body: { title }, headers })).body).toEqual(answers[0]?.body);
  });

  test('create one task for each key, where there are ten', async () => {
    const { call, root, stored } = open();
    const keyOf = (n: number) => `key ${n % 10}`;
    const answers = await Promise.all(
      repeats.map((n) => call('POST', root, { body: { title: keyOf(n) }, headers: { 'idempotency-key': keyOf(n) } })),
    );
    for (let key = 0; key < 10; key += 1) {
      const own = answers.filter((_, n) => n % 10 === key);
      expect(expectOneAnswer(own, 201).body.title).toBe(keyOf(key));
    }
    const { tasks, revision } = await stored();
    expect(tasks.map(({ title }) => title).sort()).toEqual(Array.from({ length: 10 }, (_, n) => keyOf(n)));
    expect(revision).toBe(10);
  });

  test('of which half ask for something else, do one of the two things and refuse the other', async () => {
    const { call, root, stored } = open();
    const titles = ['a', 'b'];
    const answers = await Promise.all(
      repeats.map((n) => call<Task>('POST', root, { body: { title: titles[n % 2] }, headers })),
    );
    const { tasks, revision } = await stored();
    expect({ count: tasks.length, revision }).toEqual({ count: 1, revision: 1 });
    const winner = titles.indexOf(tasks[0]?.title ?? '');
    expectOneAnswer(
      answers.filter((_, n) => n % 2 === winner),
      201,
    );
    const refused = answers.filter((_, n) => n % 2 !== winner);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([422]));
  });
});
