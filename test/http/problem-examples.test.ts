/** The examples of problems in the OpenAPI document are what the service answers. */
import { expect, test } from 'bun:test';
import { openDatabase } from '../../src/db/database.ts';
import { exampleOf } from '../../src/http/problem-examples.ts';
import { PROBLEMS, type ProblemName } from '../../src/http/problems.ts';
import { createTestApp, ORIGIN, type TestApp, type TestAppOptions } from '../support/app.ts';
import type { RequestOptions } from '../support/client.ts';
import { databases } from '../support/databases.ts';
import { type OpenApiDocument, openApiDocument } from '../support/openapi.ts';

const [database] = databases;
const ID = '01980a3e-7c00-7000-8000-000000000000';
const milk = { title: 'Buy milk' };

interface Provocation {
  options?: TestAppOptions;
  /** Where in the user's list; by default the list itself. */
  path?: string;
  method: string;
  request?: RequestOptions;
  before?: (app: TestApp) => Promise<unknown>;
}

const PROVOCATIONS: Record<ProblemName, Provocation> = {
  'invalid-input': {
    method: 'POST',
    request: { body: { title: 'Buy milk', completed: 'yes', prioritty: 'high' }, headers: { 'idempotency-key': '""' } },
  },
  'ambiguous-target': { method: 'GET', path: '/api/ada//tasks' },
  'not-found': { method: 'GET', path: '/api/ada' },
  'task-not-found': { method: 'GET', path: `/${ID}` },
  'method-not-allowed': { method: 'PUT' },
  'request-timeout': {
    method: 'POST',
    request: {
      raw: new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) }),
      headers: { 'content-type': 'application/json' },
    },
  },
  'precondition-failed': {
    options: { newTaskId: () => ID },
    before: ({ create }) => create(),
    method: 'PUT',
    path: `/${ID}`,
    request: { body: milk, headers: { 'if-match': '"41"' } },
  },
  'content-too-large': { method: 'POST', request: { body: { title: 'x'.repeat(262_144) } } },
  'unsupported-media-type': { method: 'POST', request: { raw: 'title=x', headers: { 'content-type': 'text/plain' } } },
  misdirected: { options: { allowedHosts: new Set(['todo.example']) }, method: 'GET' },
  'key-reused': {
    before: ({ call, root }) => call('POST', root, { body: { title: 'x' }, headers: { 'idempotency-key': 'k' } }),
    method: 'POST',
    request: { body: milk, headers: { 'idempotency-key': 'k' } },
  },
  'precondition-required': { options: { requireIfMatch: true }, method: 'DELETE', path: `/${ID}` },
  'too-many-requests': {
    // Two single reads of a user at once, which need a turn of the event loop.
    options: { maxInFlight: 8 },
    before: async ({ call, root }) => void [1, 2].map(() => call('GET', `${root}/${ID}`)),
    method: 'GET',
    path: `/${ID}`,
  },
  'internal-error': {
    options: {
      newTaskId() {
        throw new Error('no more ids');
      },
    },
    method: 'POST',
    request: { body: milk },
  },
  unavailable: { method: 'GET' },
  overloaded: { options: { maxInFlight: 0 }, method: 'GET' },
  stopping: { options: { isStopping: () => true }, method: 'GET', path: '/health/ready' },
};

async function provoke(kind: ProblemName) {
  const { options, path = '', method, request, before } = PROVOCATIONS[kind];
  await using nothingThere =
    kind === 'unavailable' ? await openUnreachable() : { ...database, [Symbol.asyncDispose]: async () => {} };
  const app = createTestApp(nothingThere, options);
  await before?.(app);
  const address = path.startsWith('/api') || path.startsWith('/health') ? path : app.root + path;
  const headers = { ...request?.headers, 'x-request-id': 'a1b2c3' };
  const answer = await app.call<object>(method, ORIGIN + address, { ...request, headers });
  return JSON.parse(JSON.stringify(answer.body).replaceAll(app.user, 'ada'));
}

async function openUnreachable() {
  // Nothing listens on port 1.
  const opened = await openDatabase({
    url: 'postgres://127.0.0.1:1/none',
    dataDir: '',
    sync: false,
    poolSize: 1,
    timeoutMs: 500,
  });
  return { ...opened, [Symbol.asyncDispose]: async () => opened.close() };
}

const KINDS = Object.keys(PROBLEMS) as ProblemName[];

test.each(KINDS)('The example of %s is what the service answers', async (kind) => {
  expect(await provoke(kind)).toEqual(exampleOf(kind));
});

test('The document has these examples, each under the status that it has', async () => {
  const { components }: OpenApiDocument = await openApiDocument();
  const documented = Object.entries(components.responses).flatMap(([name, { content }]) =>
    Object.entries(content?.['application/problem+json']?.examples ?? {}).map(([kind, { value }]) => [
      kind,
      { name, value },
    ]),
  );
  const ofOperations = KINDS.filter((kind) => kind !== 'not-found' && kind !== 'method-not-allowed');
  expect(Object.fromEntries(documented)).toEqual(
    Object.fromEntries(
      ofOperations.map((kind) => [kind, { name: `Problem${PROBLEMS[kind].status}`, value: exampleOf(kind) }]),
    ),
  );
});
