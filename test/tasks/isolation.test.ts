import { expect, test } from 'bun:test';
import type { TestApp } from '../support/app.ts';
import type { RequestOptions } from '../support/client.ts';
import { forEachDatabase } from '../support/databases.ts';
import { LIST_VARY, noContent, success, taskNotFound } from '../support/expected.ts';
import type { Answer } from '../support/openapi.ts';

interface Attack {
  /** What the intruder sends, in the best of hopes. */
  request?: RequestOptions;
  query?: string;
  /** What there is for the intruder; by default what there is about a task that nobody has. */
  answer?: (app: TestApp) => Answer;
  /** Whether the intruder is left with something of their own. */
  writes?: boolean;
}

const listHeaders = ({ root }: TestApp) => ({
  etag: expect.stringMatching(/^"0\./),
  link: `<http://localhost${root}>; rel="first"`,
  vary: LIST_VARY,
});

const anyList = () => success(200, [], { etag: expect.any(String), link: expect.any(String), vary: LIST_VARY });

/** What an intruder tries on each route that names a user, with the id of another user's task where it takes one. */
const ATTACKS: Record<string, Attack[]> = {
  'POST /api/:user_id/tasks/': [],
  'GET /api/:user_id/tasks/': [
    { answer: (app) => success(200, [], listHeaders(app)) },
    { query: '?deleted=true', answer: anyList },
    { query: '?q=secret', answer: anyList },
  ],
  'DELETE /api/:user_id/tasks/': [
    { answer: noContent },
    { query: '?completed=false', answer: noContent },
    { query: '?tag=secret', answer: noContent },
  ],
  'GET /api/:user_id/tasks/:id': [{}, { request: { headers: { 'if-none-match': '*' } } }],
  'PUT /api/:user_id/tasks/:id': [
    { request: { body: { title: 'Mine now' } } },
    { request: { body: { title: 'Mine now' }, headers: { 'if-match': '*' } } },
    { request: { body: { title: 'Mine now' }, headers: { 'if-match': '"1"' } } },
  ],
  'PATCH /api/:user_id/tasks/:id': [
    { request: { body: { title: 'Mine now' } } },
    { request: { body: {} } },
    { request: { body: { title: 'Mine now' }, headers: { 'if-match': '"1"' } } },
    { request: { body: { title: 'Mine now' }, headers: { 'idempotency-key': 'k' } } },
  ],
  'DELETE /api/:user_id/tasks/:id': [{}, { request: { headers: { 'if-match': '"1"' } } }],
  'PATCH /api/:user_id/tasks/:id/complete': [
    {},
    { request: { body: { completed: true } } },
    { request: { body: { completed: false }, headers: { 'if-match': '"1"' } } },
  ],
  'POST /api/:user_id/tasks/:id/restore': [{}, { request: { headers: { 'idempotency-key': 'k' } } }],
};

forEachDatabase("Another user's task", (open) => {
  test('is tried on every route that names a user', () => {
    const routes = open().app.routes.filter(({ path }) => path.includes(':user_id'));
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(Object.keys(ATTACKS).sort()).toEqual(names.sort());
  });

  for (const [route, attacks] of Object.entries(ATTACKS)) {
    for (const [n, { request, query = '', answer }] of attacks.entries()) {
      for (const state of ['live', 'deleted'] as const) {
        test(`is neither seen nor touched, whether ${state} or not: ${route}, attempt ${n + 1}`, async () => {
          const owner = open();
          const intruder = open();
          const { id, url } = await owner.create({ title: 'My secret', description: 'secret', tags: ['secret'] });
          if (state === 'deleted') await owner.call('DELETE', url);
          const before = await owner.stored();
          const [method = '', template = ''] = route.split(' ');
          const path = template.replace(':user_id', intruder.user).replace(':id', id).replace(/\/$/, '');
          const got = await intruder.call(method, path + query, request);
          expect(got).toEqual(answer ? answer(intruder) : taskNotFound(path));
          expect(await owner.stored()).toEqual(before);
          expect(await intruder.stored()).toEqual({ tasks: [], revision: undefined });
        });
      }
    }
  }

  test('stays the same when another one is created under the same id', async () => {
    const owner = open();
    const intruder = open();
    const theirs = await owner.create({ title: 'My secret' });
    const own = await intruder.create({ title: 'Mine' });
    // The clocks and so the ids of both apps agree.
    expect(own.id).toBe(theirs.id);
    await intruder.call('PATCH', own.url, { body: { title: 'Changed' } });
    await intruder.call('DELETE', intruder.root);
    expect((await owner.call('GET', theirs.url)).body).toEqual(theirs);
    expect((await owner.stored()).revision).toBe(1);
  });

  test('is not answered again to a stranger who knows its Idempotency-Key', async () => {
    const owner = open();
    const intruder = open();
    const request = { body: { title: 'My secret' }, headers: { 'idempotency-key': 'the-same' } };
    await owner.call('POST', owner.root, request);
    const answer = await intruder.call('POST', intruder.root, { ...request, body: { title: 'Mine' } });
    expect(answer).toMatchObject({ status: 201, body: { title: 'Mine', user_id: intruder.user, revision: 1 } });
    expect(answer.headers['idempotency-replayed']).toBeUndefined();
  });

  test('is not on a page that a cursor of its owner leads a stranger to', async () => {
    const owner = open();
    const intruder = open();
    for (let n = 0; n < 3; n += 1) await owner.create({ title: 'My secret' });
    const { headers } = await owner.call('GET', `${owner.root}?limit=1`);
    const next = /<([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1] as string;
    const answer = await intruder.call('GET', next.replace(owner.user, intruder.user));
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect([200, 400]).toContain(answer.status);
  });
});
