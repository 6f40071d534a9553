/** Tries to get through a gateway to what is not ada's, with targets that two parsers read in different ways. */
import { expect } from 'bun:test';
import { SQL } from 'bun';
import fc from 'fast-check';
import { createDatabase } from '../support/postgres.ts';
import { type Environment, startService } from '../support/service.ts';
import { ambiguousPaths, BAD_HOSTS, HERE, METHODS, type RawRequest, SEED, toBytes, UP } from '../support/targets.ts';
import type { Gateway } from './gateways.ts';

/** For each method, at each gateway. */
const RUNS = 3000;
const CONNECTIONS = 16;
/** A gateway that cannot make out where a request ends waits for more. */
const PATIENCE_MS = 2000;

/** For nginx and Caddy the second one is under ada's path, as long as the service takes such an id. */
const OTHERS = ['bob', 'ada/x'];

export type Target = Awaited<ReturnType<typeof openTarget>>;

/** The service on a database of its own, with what is not ada's in it. */
export async function openTarget(environment: Environment = {}) {
  const DATABASE_URL = await createDatabase();
  const service = await startService({ DATABASE_URL, ...environment });
  const sql = new SQL(DATABASE_URL, { max: 1 });

  const create = async (user: string, title: string): Promise<string> => {
    const answer = await fetch(`${service.origin}/api/${encodeURIComponent(user)}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title }),
    });
    return answer.ok ? ((await answer.json()) as { id: string }).id : '';
  };

  return {
    service,
    create,
    /** Everything that is not ada's, and how many changes it has seen. */
    async stored() {
      const tasks = await sql`select * from tasks where user_id <> 'ada' order by user_id, id`;
      const [{ changes }] =
        await sql`select coalesce(sum(revision), 0)::int changes from user_revisions where user_id <> 'ada'`;
      return { tasks: [...tasks], changes: Number(changes) };
    },
    async [Symbol.asyncDispose]() {
      await sql.close();
      await service[Symbol.asyncDispose]();
    },
  };
}

/**
 * Sends thousands of targets as ada, and expects that none reads or changes what is another's.
 * @param options.root what the gateway lets her reach, where the targets begin
 */
export async function attack(
  name: string,
  gateway: Gateway,
  target: Target,
  { fields = [], root = '/api/ada' }: { fields?: readonly string[]; root?: string } = {},
) {
  const ids = await Promise.all(OTHERS.map((user) => target.create(user, `My secret, ${user}`)));
  const before = await target.stored();
  const harmful: RawRequest[] = [];
  let tried = 0;
  let passed = 0;
  for (const method of METHODS) {
    const left = fc.sample(requests(method, ids[0] as string), { seed: SEED, numRuns: RUNS });
    tried += left.length;
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        for (let request = left.pop(); request; request = left.pop()) {
          const target = request.target.replaceAll('/api/ada', root);
          const answer = await exchange(gateway, { ...request, target, fields });
          // The service alone gives ids to requests.
          if (/^x-request-id:/im.test(answer)) passed += 1;
          if (isOthers(answer)) harmful.push(request);
        }
      }),
    );
  }
  const after = await target.stored();
  console.log(
    `${name}: ${tried} targets tried, ${passed} let through, ${harmful.length} answered with what is another’s, ` +
      `${after.changes - before.changes} changes to it (seed ${SEED})`,
  );
  expect(harmful).toEqual([]);
  expect(after).toEqual(before);

  // It does stand between, and lets ada through to what is hers.
  if (root === '/api/ada') expect(passed).toBeGreaterThan(100);
  const own = {
    version: '1.1',
    hosts: ['localhost'],
    method: 'GET',
    target: '/api/ada/tasks?limit=1',
    fields,
  } as const;
  expect(await exchange(gateway, own)).toStartWith('HTTP/1.1 200 ');
  expect(await exchange(gateway, { ...own, target: '/api/bob/tasks' })).toStartWith('HTTP/1.1 403 ');
}

const TOKENS = [...UP, ...HERE, ...'/ / / // \\ %2f %2F %5c %252f %252e%252e ; # ? & : @'.split(' ')].concat(
  [
    'api',
    'ada',
    'bob',
    'bob',
    'tasks',
    'tasks',
    'metrics',
    'x',
    'b%6fb',
    'bob%00',
    '...',
    '%00',
    '%09',
    '%0d%0a',
    '%20',
  ],
  [
    '\t',
    '\x01',
    '\x7f',
    ' ',
    '\xff',
    '\xc0\xae',
    '%ff',
    '%c0%ae',
    '%c0%af',
    '%zz',
    '%',
    '%u002e',
    '\xef\xbc\x8f',
    '..;',
  ],
);

/** Targets that look as if they were under `/api/ada/`, or are for another's and look like nothing much. */
function requests(method: string, id: string): fc.Arbitrary<RawRequest> {
  const separator = fc.oneof(
    { weight: 2, arbitrary: fc.constant('/') },
    { weight: 1, arbitrary: fc.constantFrom('\\', '\\', '//', '%2f', '%5c', ';/', '/./', '\\\\', '%2e/') },
  );
  const up = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...UP) },
    fc.constantFrom(...HERE, 'x', '..;', '%252e%252e'),
  );
  const goal = fc.constantFrom('bob/tasks', `bob/tasks/${id}`, 'api/bob/tasks', 'metrics', 'x/tasks', '../metrics');
  const climb = fc
    .tuple(separator, fc.array(fc.tuple(up, separator), { maxLength: 4 }), goal)
    .map(([first, steps, end]) => `/api/ada${first}${steps.flat().join('')}${end}`);
  const soup = fc.array(fc.constantFrom(...TOKENS), { maxLength: 10 }).map((tokens) => `/api/ada/${tokens.join('')}`);
  const disguise = ambiguousPaths(['/api/bob/tasks', `/api/bob/tasks/${id}`, '/metrics', '/api/ada/api/bob/tasks']);
  const path = fc.oneof(
    { weight: 5, arbitrary: climb },
    { weight: 3, arbitrary: soup },
    { weight: 2, arbitrary: disguise },
  );
  const query = fc.oneof(
    { weight: 4, arbitrary: fc.constant('') },
    fc.constantFrom('?x=//localhost/', '?/api/ada/', '#/../'),
  );
  const authority = fc.oneof(
    { weight: 6, arbitrary: fc.constant('') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        ...['//localhost', 'http://localhost', 'http://other.example', 'HTTPS://localhost', 'http://a@localhost'],
        ...[
          'http://',
          'http://api',
          'http://localhost#',
          'http://localhost?',
          'http://localhost\\',
          'http:/',
          'localhost',
        ],
        ...['http://localhost/api/ada/..', 'http://localhost?/api/ada', 'http://localhost#/api/ada/'],
      ),
    },
  );
  const host = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('1.1', '1.0').map((version) => ({ version, hosts: ['localhost'] })) },
    { weight: 1, arbitrary: fc.constantFrom(...BAD_HOSTS) },
  ) as fc.Arbitrary<Pick<RawRequest, 'version' | 'hosts'>>;
  return fc
    .record({ authority, path, query, host })
    .map(({ host, ...target }) => ({ ...host, method, target: target.authority + target.path + target.query }));
}

/** Sends a request on a connection of its own. @returns all that comes back, one character for each byte. */
async function exchange({ port }: Gateway, request: RawRequest): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const chunks: Uint8Array[] = [];
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (socket) => void socket.write(toBytes(request)),
      data: (_, chunk) => void chunks.push(new Uint8Array(chunk)),
      close: () => resolve(),
      error: () => resolve(),
    },
  });
  const patience = setTimeout(() => socket.terminate(), PATIENCE_MS);
  await promise;
  clearTimeout(patience);
  return Buffer.concat(chunks).toString('latin1');
}

const isOthers = (answer: string) => /My secret|"user_id":"(?!ada")|^http_requests_in_flight/m.test(answer);
