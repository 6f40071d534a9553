/**
 * Each operation answers with every status that the document has for it, and each time with just the headers that the
 * document names: the client of the tests compares them.
 */
import { expect, test } from 'bun:test';
import { createTestApp, type TestApp, type TestAppOptions } from '../support/app.ts';
import type { RequestOptions } from '../support/client.ts';
import { databases } from '../support/databases.ts';
import { type Operation, openApiDocument } from '../support/openapi.ts';

const [, database] = databases;

/** Documented, because any request can end so; but these are answered for any host, and one asks nothing at all. */
const IMPOSSIBLE = ['getLiveness 421', 'getLiveness 500', 'getLiveness 503', 'getReadiness 421', 'getReadiness 500'];

interface Documented extends Operation {
  method: string;
  path: string;
}

interface Provocation {
  options?: TestAppOptions;
  /** The database fails in a way that nobody has thought of. */
  broken?: boolean;
  headers?: Record<string, string>;
  id?: string;
  raw?: () => RequestOptions['raw'];
  /** Another request has the Idempotency-Key already. */
  keyIsTaken?: boolean;
  origin?: string;
  /** How often it is sent at once. */
  times?: number;
}

const json = { 'content-type': 'application/json' };

const brokenStream = () => new ReadableStream({ pull: (controller) => controller.error(new Error('reset')) });

const PROVOCATIONS: Record<number, Provocation> = {
  200: {},
  201: {},
  204: {},
  304: { headers: { 'if-none-match': '*' } },
  // What a request without a valid Host becomes.
  400: { origin: 'http://refused.invalid' },
  404: { id: '01980a3e-7c00-7000-8000-00000000dead' },
  408: { headers: json, raw: brokenStream },
  412: { headers: { 'if-match': '"0"' } },
  413: { headers: { 'content-length': '999999' } },
  415: { headers: { 'content-type': 'text/plain' }, raw: () => 'title=x' },
  421: { options: { allowedHosts: new Set(['todo.example']) } },
  422: { headers: { 'idempotency-key': 'k' }, keyIsTaken: true },
  428: { options: { requireIfMatch: true } },
  // More than the places and the line of one user.
  429: { options: { maxInFlight: 8 }, times: 8 },
  500: { broken: true },
  503: { options: { maxInFlight: 0, isStopping: () => true } },
};

function openApp({ options, broken }: Provocation): TestApp {
  const fail = () => Promise.reject(new Error('nobody has thought of this'));
  // Two apps count up their ids from the same one.
  const newTaskId = () => Bun.randomUUIDv7();
  return createTestApp(broken ? { ...database, read: fail, write: fail } : database, { newTaskId, ...options });
}

async function provoke(operation: Documented, status: number): Promise<number> {
  const provocation = PROVOCATIONS[status] ?? {};
  const { headers = {}, raw, keyIsTaken, origin = '', times = 1 } = provocation;
  const { user, root, create, call: prepare } = createTestApp(database);
  const { call } = openApp(provocation);
  const { id } = await create();
  if (keyIsTaken) await prepare('POST', root, { body: { title: 'Buy bread' }, headers });
  const path = operation.path.replace('{user_id}', user).replace('{id}', provocation.id ?? id);
  const [content] = Object.values(operation.requestBody?.content ?? {});
  const body = raw ? undefined : content?.example;
  const send = () => call(operation.method, origin + path, { body, raw: raw?.(), headers });
  const statuses = (await Promise.all(Array.from({ length: times }, send))).map((answer) => answer.status);
  return statuses.find((one) => one === status) ?? (statuses[0] as number);
}

const { paths } = await openApiDocument();
const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(
    ([method, operation]): Documented => ({ ...operation, path, method: method.toUpperCase() }),
  ),
);

for (const operation of operations) {
  test(`${operation.operationId} answers with every status that the document has, and with its headers`, async () => {
    const statuses = Object.keys(operation.responses)
      .map(Number)
      .filter((status) => !IMPOSSIBLE.includes(`${operation.operationId} ${status}`));
    const answered: number[] = [];
    for (const status of statuses) answered.push(await provoke(operation, status));
    expect(answered).toEqual(statuses);
  });
}
