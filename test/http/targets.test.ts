import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { problem } from '../support/expected.ts';
import { serve } from '../support/server.ts';
import { ambiguousPaths, BAD_HOSTS, METHODS, type RawRequest, SEED, toBytes } from '../support/targets.ts';

type Server = ReturnType<typeof serve>;

const RUNS = 3000;
const HOST = { version: '1.1', hosts: ['localhost:3000'] } as const;

/** The 400 to a target, with what Bun has made of its path. */
function refusal(target: string) {
  const { href, origin } = new URL(`http://localhost${Buffer.from(target, 'latin1')}`);
  return problem(href.slice(origin.length).split('?')[0] as string, {
    type: 'ambiguous-target',
    title: 'The address can be read in more than one way',
    status: 400,
    detail:
      'Send one valid Host, and a path without dot segments, empty segments, \\, ;, #, %2F, %5C and bytes that are not UTF-8.',
  });
}

/** Sends them while `victim` has a task. Each is refused, and the task neither shows nor changes. */
async function expectRefusals({ send, user, create, stored }: Server, requests: RawRequest[]): Promise<void> {
  await create({ title: 'My secret' });
  const before = await stored();
  for (const request of requests) {
    const answer = await send(toBytes(request));
    expect({ request, answer }).toEqual({ request, answer: refusal(request.target) });
  }
  expect(await stored(user)).toEqual(before);
}

const everyMethod = (request: Omit<RawRequest, 'method'>) => METHODS.map((method) => ({ ...request, method }));

describe('A target that can be read in more than one way is refused and does nothing:', () => {
  const targets: Record<string, (user: string) => Omit<RawRequest, 'method'>> = {
    'a backslash after two dots': (bob) => ({ ...HOST, target: `/api/ada/..\\${bob}/tasks` }),
    'two dots': (bob) => ({ ...HOST, target: `/api/ada/../${bob}/tasks` }),
    'two encoded dots': (bob) => ({ ...HOST, target: `/api/ada/%2e%2e/${bob}/tasks` }),
    'a dot and an encoded one': (bob) => ({ ...HOST, target: `/api/ada/%2E./${bob}/tasks` }),
    'backslashes around two dots': (bob) => ({ ...HOST, target: `/api/ada/x\\..\\..\\${bob}/tasks` }),
    'a backslash in front of two dots': (bob) => ({ ...HOST, target: `/api/ada\\..\\${bob}/tasks` }),
    'one dot': (bob) => ({ ...HOST, target: `/api/ada/./../${bob}/tasks` }),
    'a question mark that is not one': (bob) => ({ ...HOST, target: `/api/${bob}/tasks%3Fx\\..\\tasks?x\\..\\tasks` }),
    'a way to the metrics': () => ({ ...HOST, target: '/api/ada/..\\..\\metrics' }),
    'two slashes in front': (bob) => ({ ...HOST, target: `//localhost/api/${bob}/tasks` }),
    'an empty user id': () => ({ ...HOST, target: '/api//tasks' }),
    'two slashes at the end': (bob) => ({ ...HOST, target: `/api/${bob}/tasks//` }),
    'two slashes at the end, and up': (bob) => ({ ...HOST, target: `/api/${bob}/tasks//..` }),
    'more segments than any route has, and up': (bob) => ({
      ...HOST,
      target: `/a/b/c/d/e/f/g/h/i${'/..'.repeat(9)}/api/${bob}/tasks`,
    }),
    'an encoded slash': () => ({ ...HOST, target: '/api/ada%2Fbob/tasks' }),
    'an encoded backslash': () => ({ ...HOST, target: '/api/ada%5cbob/tasks' }),
    'a path parameter': (bob) => ({ ...HOST, target: `/api/${bob};x/tasks` }),
    'a fragment': (bob) => ({ ...HOST, target: `/api/${bob}/tasks#/api/ada` }),
    'a fragment in the query': (bob) => ({ ...HOST, target: `/api/${bob}/tasks?q=x#y` }),
    'a byte that is not UTF-8': (bob) => ({ ...HOST, target: `/api/${bob}\xff/tasks` }),
    'no Host, and another path inside': (bob) => ({
      version: '1.0',
      hosts: [],
      target: `/api/ada/api/${bob}/tasks`,
    }),
    'no Host, and one in the query': (bob) => ({
      version: '1.0',
      hosts: [],
      target: `/api/ada/api/${bob}/tasks?x=//localhost/`,
    }),
    'an empty Host': (bob) => ({ version: '1.1', hosts: [''], target: `/api/ada/api/${bob}/tasks` }),
  };
  for (const [what, request] of Object.entries(targets)) {
    test(what, async () => {
      await using server = serve();
      await expectRefusals(server, everyMethod(request(server.user)));
    });
  }

  test(`${RUNS} paths made by chance`, async () => {
    console.log(`fast-check seed ${SEED}`);
    await using server = serve();
    const paths = ambiguousPaths([server.root, `${server.root}/`, '/metrics', '/health/live', '/swagger/json']);
    const queries = fc.constantFrom('', '?', '?limit=1', '?x=//localhost/');
    const requests = fc.tuple(paths, queries, fc.constantFrom(...METHODS));
    await expectRefusals(
      server,
      fc
        .sample(requests, { seed: SEED, numRuns: RUNS })
        .map(([path, query, method]) => ({ ...HOST, target: path + query, method })),
    );
  });

  test('a Host that is none, or two', async () => {
    await using server = serve();
    const { root } = server;
    const targets = [root, `${root}?x=//localhost/`, `${root}/../tasks`];
    await expectRefusals(
      server,
      BAD_HOSTS.flatMap((host) => targets.flatMap((target) => everyMethod({ ...host, target }))),
    );
  });
});

describe('A target that can be read in one way only', () => {
  const IDS = [
    'a b',
    'ü',
    '🦊',
    'a%b',
    'a%2Fb',
    '..a',
    'a..',
    '...',
    'a;b',
    'ada@example.com',
    "o'hara",
    '%',
    '*',
    '~',
  ];

  for (const id of IDS) {
    test(`names the user whose id is ${id}`, async () => {
      await using server = serve();
      const { user, origin, call, send } = server;
      const owner = `${user}-${id}-${user}`;
      for (const user_id of [owner, id]) {
        const path = `/api/${encodeURIComponent(user_id)}/tasks`;
        const created = await call<{ url: string }>('POST', path, { body: { title: 'Mine' } });
        expect(created).toMatchObject({ status: 201, body: { user_id } });
        expect(created.body.url).toStartWith(`${origin}${path}/`);
        const target = created.body.url.slice(origin.length);
        const read = await send(toBytes({ ...HOST, method: 'GET', target }));
        expect(read.body).toMatchObject({ user_id, title: 'Mine' });
        expect(await send(toBytes({ ...HOST, method: 'DELETE', target: `${path}/` }))).toMatchObject({ status: 204 });
      }
    });
  }

  test('may have its UTF-8 as it is, which names the same user as encoded', async () => {
    await using server = serve();
    const path = `/api/${server.user}-ü🦊/tasks`;
    const { body } = await server.call('POST', encodeURI(path), { body: { title: 'Mine' } });
    const target = Buffer.from(path).toString('latin1');
    const read = await server.send(toBytes({ ...HOST, method: 'GET', target }));
    expect(read.body).toEqual([{ ...(body as object), url: expect.any(String) }]);
  });

  // Bun.serve hides the host of an absolute target (oven-sh/bun#33002): the one in `Host` is checked instead.
  test('may be absolute, and is then for the path in it and the host in Host', async () => {
    await using server = serve({ allowedHosts: new Set(['localhost']) });
    const target = `http://other.example${server.root}`;
    expect(await server.send(toBytes({ ...HOST, method: 'GET', target }))).toMatchObject({ status: 200, body: [] });
    for (const hosts of [['other.example'], ['localhost', 'other.example']]) {
      const { status } = await server.send(toBytes({ ...HOST, hosts, method: 'GET', target }));
      expect(status).toBe(hosts.length === 1 ? 421 : 400);
    }
  });

  test('has no more segments than are guarded', async () => {
    await using server = serve();
    for (const { path } of server.app.routes) expect(path.split('/').length - 1).toBeLessThanOrEqual(8);
  });

  test('may end in a slash, and is a 404 when it is too long', async () => {
    await using server = serve();
    const { root, send } = server;
    for (const [target, status] of [
      [`${root}/`, 200],
      [`${root}/?limit=1`, 200],
      ['/health/live/', 200],
      ['/a/b/c/d/e/f/g/h/i', 404],
      [`/a/b/c/d/e/f/g/h/${'i/'.repeat(200)}`, 404],
    ] as const)
      expect(await send(toBytes({ ...HOST, method: 'GET', target }))).toMatchObject({ status });
  });
});

describe('A load balancer', () => {
  test('may ask for the health without a Host', async () => {
    await using server = serve({ allowedHosts: new Set(['api.example']) });
    for (const hosts of [[], ['']])
      for (const [method, target, status] of [
        ['GET', '/health/ready', 200],
        ['HEAD', '/health/live', 200],
        ['GET', '/metrics', 200],
        // What HAProxy sends when it is told nothing else.
        ['OPTIONS', '/', 204],
      ] as const)
        expect(await server.send(toBytes({ version: '1.0', hosts, method, target }))).toMatchObject({ status });
  });
});
