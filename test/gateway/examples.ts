/** examples/gateway/ as it stands, in the programs that it is for: `bun run test:gateway`. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { attack, openTarget, type Target } from './attack.ts';
import { freePort, GATEWAYS, type Gateway, nginxWith, type Program, startGateway } from './gateways.ts';

const FOLDER = join(import.meta.dir, '../../examples/gateway');
const TIMEOUT_MS = 120_000;
const PUBLIC_URL = 'https://todo.example';
/** As in the examples. */
const PAGE = 'https://app.example';
const JWT_SECRET = 'only the gateway and who signs know it';

const read = (name: string) => Bun.file(join(FOLDER, name)).text();
const NGINX = await read('nginx.conf');
const CADDYFILE = await read('Caddyfile');
const HAPROXY = await read('haproxy.cfg');

/** With other addresses, and nothing else changed. */
function at(text: string, addresses: Record<string, string>): string {
  return Object.entries(addresses).reduce((changed, [from, to]) => {
    if (!changed.includes(from)) throw new Error(`The example does not say ${from}.`);
    return changed.replaceAll(from, to);
  }, text);
}

interface Example {
  /** @param auth `host:port` of what tells the caller */
  program: (auth: string) => Program;
  /** What a client sends to be ada, and to be others. */
  authorization: Record<'ada' | 'eve@b.example', string>;
  /** That it takes for nobody's. */
  worthless: string[];
}

const BEARER: Pick<Example, 'authorization' | 'worthless'> = {
  authorization: { ada: 'Bearer s3cret', 'eve@b.example': 'Bearer t0ken' },
  worthless: ['Bearer wrong', 'Bearer ', 'Basic YWRhOnMzY3JldA=='],
};

const LATER = 4_000_000_000;

const EXAMPLES: Record<string, Example> = {
  nginx: {
    program: (auth) =>
      nginxWith((port, service) =>
        at(NGINX, {
          'listen 8080': `listen 127.0.0.1:${port}`,
          'todo-api:3000': service,
          'auth:4180': auth,
          '127.0.0.1:8403': `127.0.0.1:${freePort()}`,
        }),
      ),
    ...BEARER,
  },
  Caddy: {
    program: (auth) => ({
      ...GATEWAYS.Caddy,
      config: (port, service) =>
        `{\nadmin off\n}\n${at(CADDYFILE, { ':8080 {': `:${port} {`, 'todo-api:3000': service, 'auth:4180': auth })}`,
    }),
    ...BEARER,
  },
  HAProxy: {
    program: () => ({
      ...GATEWAYS.HAProxy,
      config: (port, service) => at(HAPROXY, { 'bind :8080': `bind 127.0.0.1:${port}`, 'todo-api:3000': service }),
      env: { JWT_SECRET },
    }),
    authorization: {
      ada: `Bearer ${sign({ sub: 'ada', exp: LATER })}`,
      'eve@b.example': `Bearer ${sign({ sub: 'eve@b.example', exp: LATER })}`,
    },
    worthless: [
      'Bearer wrong',
      `Bearer ${sign({ sub: 'ada', exp: LATER }, 'another secret')}`,
      `Bearer ${sign({ sub: 'ada', exp: LATER }, JWT_SECRET, 'none').replace(/[^.]*$/, '')}`,
      `Bearer ${sign({ sub: 'ada', exp: 1_700_000_000 })}`,
      `Bearer ${sign({ sub: 'ada' })}`,
    ],
  },
};

/** A JSON Web Token; the signature is always of HS256. */
function sign(claims: object, secret = JWT_SECRET, alg = 'HS256'): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg, typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${new Bun.CryptoHasher('sha256', secret).update(text).digest('base64url')}`;
}

let target: Target;
let auth: Awaited<ReturnType<typeof startAuth>>;

beforeAll(async () => {
  target = await openTarget({ PUBLIC_URL, CORS_ORIGINS: PAGE });
  auth = await startAuth();
}, TIMEOUT_MS);

afterAll(async () => {
  auth.stop();
  await target[Symbol.asyncDispose]();
});

/** examples/gateway/auth.ts, and where it is. */
async function startAuth(TOKENS = 'ada:s3cret,eve@b.example:t0ken') {
  const child = Bun.spawn([process.execPath, join(FOLDER, 'auth.ts')], {
    env: { PORT: '0', TOKENS },
    stdout: 'pipe',
    stderr: 'ignore',
  });
  let said = '';
  for await (const chunk of child.stdout) {
    said += Buffer.from(chunk).toString();
    const host = /at http:\/\/(\S+?)\/\n/.exec(said)?.[1];
    if (host) return { host, stop: () => child.kill() };
  }
  throw new Error(`auth.ts ended: ${said}`);
}

/** Headers that CORS is made of, and those that tell a client what to do. */
function shown({ headers }: Response) {
  const names = [
    'access-control-allow-origin',
    'access-control-allow-credentials',
    'vary',
    'content-type',
    'www-authenticate',
  ];
  return Object.fromEntries(names.map((name) => [name, headers.get(name)]));
}

/** What the service says of a stream of events. */
const EVENTS = {
  'content-type': 'text/event-stream',
  'cache-control': 'private, no-cache, no-transform',
  'x-accel-buffering': 'no',
};

const problem = (status: number, title: string) => ({ type: 'about:blank', title, status });

for (const [name, { program, authorization, worthless }] of Object.entries(EXAMPLES))
  describe(`The example for ${name}`, () => {
    let gateway: Gateway;

    beforeAll(async () => {
      gateway = await startGateway(program(auth.host), target.service.origin);
    }, TIMEOUT_MS);

    afterAll(() => gateway[Symbol.asyncDispose]());

    const call = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
      fetch(gateway.origin + path, { headers: { origin: PAGE, ...headers }, redirect: 'manual', ...init });
    const asAda = { authorization: authorization.ada };

    /** What a page of an allowed origin can read. */
    const readable = {
      'access-control-allow-origin': PAGE,
      'access-control-allow-credentials': 'true',
      vary: expect.stringMatching(/^Origin(, Prefer)?$/),
    };

    test('answers 401 without credentials, or with worthless ones, so that pages can read it', async () => {
      for (const headers of [{}, ...worthless.map((authorization) => ({ authorization }))]) {
        const answer = await call('/api/ada/tasks', headers);
        expect(answer.status, JSON.stringify(headers)).toBe(401);
        expect(shown(answer)).toEqual({
          ...readable,
          'content-type': expect.stringMatching(/^application\/problem\+json(;|$)/),
          'www-authenticate': 'Bearer',
        });
        expect(await answer.json()).toEqual(problem(401, 'Unauthorized'));
      }
      for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
        expect((await call('/api/ada/tasks', {}, { method })).status, method).toBe(401);
      const foreign = await call('/api/ada/tasks', { origin: 'https://evil.example' });
      expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([401, null]);
    });

    test('answers 403 for the path of another user, so that pages can read it', async () => {
      for (const path of [
        '/api/bob/tasks',
        '/api/bob',
        '/api/Ada/tasks',
        '/api/ad/tasks',
        '/api/adam/tasks',
        '/api/ada%0A/tasks',
      ]) {
        const answer = await call(path, asAda);
        expect(answer.status, path).toBe(403);
        expect(shown(answer)).toEqual({
          ...readable,
          'content-type': expect.stringMatching(/^application\/problem\+json(;|$)/),
          'www-authenticate': null,
        });
        expect(await answer.json()).toEqual(problem(403, 'Forbidden'));
      }
    });

    test('passes on the path of the caller, to a service that speaks of its public address', async () => {
      const body = JSON.stringify({ title: 'Through the gateway' });
      const created = await call(
        '/api/ada/tasks',
        { ...asAda, 'content-type': 'application/json' },
        { method: 'POST', body },
      );
      expect(created.status).toBe(201);
      expect(shown(created)).toMatchObject({ ...readable, 'content-type': 'application/json;charset=utf-8' });
      const { id } = (await created.json()) as { id: string };
      expect(created.headers.get('location')).toBe(`${PUBLIC_URL}/api/ada/tasks/${id}`);
      expect((await call(`/api/ada/tasks/${id}`, asAda)).status).toBe(200);
      expect((await call('/api/ada/tasks?limit=0', asAda)).status).toBe(400);
      // However the user's name is encoded.
      const eve = { authorization: authorization['eve@b.example'] };
      for (const path of ['/api/eve@b.example/tasks', '/api/eve%40b.example/tasks', '/api/%65ve@b%2Eexample/tasks'])
        expect((await call(path, eve)).status, path).toBe(200);
    });

    test('lets the service answer preflights, which carry no credentials', async () => {
      const headers = {
        'access-control-request-method': 'PATCH',
        'access-control-request-headers': 'authorization,content-type,if-match',
      };
      const answer = await call('/api/ada/tasks', headers, { method: 'OPTIONS' });
      expect(answer.status).toBe(204);
      expect(shown(answer)).toMatchObject(readable);
      expect(answer.headers.get('access-control-allow-methods')).toContain('PATCH');
      expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
    });

    test('leads everybody from the type of a problem to its page', async () => {
      const { type } = (await (await call('/api/ada/tasks/1', asAda)).json()) as { type: string };
      expect(type).toBe(`${PUBLIC_URL}/problems/task-not-found`);
      const page = await call(type.slice(PUBLIC_URL.length));
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    });

    test('passes on nothing but that', async () => {
      for (const path of [
        '/',
        '/metrics',
        '/health/live',
        '/health/ready',
        '/swagger',
        '/swagger/json',
        '/api',
        '/api/',
      ])
        for (const headers of [asAda, {}]) {
          const answer = await call(path, headers);
          expect([answer.status, await answer.json()], path).toEqual([404, problem(404, 'Not Found')]);
        }
    });

    test('believes no client that says who it is', async () => {
      const forged = Object.fromEntries(
        ['x-auth-request-user', 'x-forwarded-user', 'remote-user', 'x-user'].map((header) => [header, 'bob']),
      );
      expect((await call('/api/bob/tasks', forged)).status).toBe(401);
      expect((await call('/api/bob/tasks', { ...asAda, ...forged })).status).toBe(403);
      expect((await call('/api/ada/tasks', { ...asAda, ...forged })).status).toBe(200);
    });

    test('keeps credentials to itself, and passes streams on as they come', async () => {
      const sent = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'];
      const reads = sent.map(() => Promise.withResolvers<void>());
      const seen: Headers[] = [];
      using upstream = Bun.serve({
        hostname: '127.0.0.1',
        port: 0,
        fetch(request) {
          seen.push(request.headers);
          const body = new ReadableStream({
            async start(controller) {
              // A gateway that waits for more waits for ever.
              for (const [n, event] of sent.entries()) {
                controller.enqueue(event);
                await reads[n]?.promise;
              }
              controller.close();
            },
          });
          return new Response(body, { headers: EVENTS });
        },
      });
      await using gateway = await startGateway(program(auth.host), upstream.url.origin);
      seen.length = 0;
      const answer = await fetch(`${gateway.origin}/api/ada/tasks/events`, {
        headers: { ...asAda, cookie: 'session=1', 'x-auth-request-user': 'bob', accept: 'text/event-stream' },
      });
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      const events: string[] = [];
      for await (const chunk of answer.body as ReadableStream<Uint8Array>) {
        reads[events.length]?.resolve();
        events.push(Buffer.from(chunk).toString());
      }
      expect(events).toEqual(sent);
      const passed = seen.map((headers) => Object.fromEntries(headers));
      expect(passed).toEqual([expect.objectContaining({ host: expect.stringMatching(/^127\.0\.0\.1(:\d+)?$/) })]);
      for (const header of ['authorization', 'cookie', 'x-auth-request-user'])
        expect(passed[0]).not.toHaveProperty(header);
    });

    test('answers 503, which pages can read, while the service is away', async () => {
      await using gateway = await startGateway(program(auth.host), `http://127.0.0.1:${freePort()}`);
      const answer = await fetch(`${gateway.origin}/api/ada/tasks`, { headers: { ...asAda, origin: PAGE } });
      expect(answer.status).toBe(503);
      expect(shown(answer)).toMatchObject(readable);
    });

    test.each(['/api/ada', '/problems'])(
      'lets no target through under %s that reaches another user’s tasks or the metrics',
      (root) =>
        attack(`The example for ${name}, ${root}`, gateway, target, {
          fields: [`Authorization: ${authorization.ada}`],
          root,
        }),
      TIMEOUT_MS,
    );
  });

test.each(['', 'ada', 'ada:', ':s3cret', 'ada:s3cret,'])(
  'Nobody is told to be ada when TOKENS is "%s"',
  async (tokens) => {
    await expect(startAuth(tokens)).rejects.toThrow('auth.ts ended');
  },
);

test('HAProxy does not start without a secret, with which anybody could sign', async () => {
  const { program } = EXAMPLES.HAProxy as Example;
  const start = startGateway({ ...program(''), env: {} }, target.service.origin);
  await expect(start).rejects.toThrow('JWT_SECRET is not set');
});

describe.each(['nginx', 'Caddy'])('When nobody can tell %s who is calling,', (name) => {
  const { program, authorization } = EXAMPLES[name] as Example;
  const headers = { authorization: authorization.ada, origin: PAGE };

  test('nobody gets through', async () => {
    await using gateway = await startGateway(program(`127.0.0.1:${freePort()}`), target.service.origin);
    const answer = await fetch(`${gateway.origin}/api/ada/tasks`, { headers });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([503, PAGE]);
  });

  test('and all are let in without a name, nobody gets through', async () => {
    using careless = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response(null, { status: 204 }) });
    await using gateway = await startGateway(program(careless.url.host), target.service.origin);
    for (const forged of [undefined, { 'x-auth-request-user': 'ada' }]) {
      const answer = await fetch(`${gateway.origin}/api/ada/tasks`, { headers: { ...headers, ...forged } });
      expect(answer.status).toBe(403);
    }
  });
});
