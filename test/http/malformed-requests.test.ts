import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Connection, Unanswered } from '../support/connection.ts';
import { type FaultyDatabase, openFaultyDatabase } from '../support/faulty-database.ts';
import type { Answer } from '../support/openapi.ts';
import type { Service } from '../support/service.ts';
import { until } from '../support/until.ts';

const PATH = '/api/ada/tasks';
const HOST = 'Host: 127.0.0.1\r\n';
const JSON_TYPE = 'Content-Type: application/json\r\n';

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const post = (body: string) =>
  `POST ${PATH} HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
/** A head that announces a body in one way or another, and what follows it. */
const announce = (fields: string, rest = '') => `POST ${PATH} HTTP/1.1\r\n${HOST}${JSON_TYPE}${fields}\r\n\r\n${rest}`;
const times = (count: number, part: (index: number) => string, separator = '') =>
  Array.from({ length: count }, (_, index) => part(index)).join(separator);

/** Each with the status of its answer. */
const REQUESTS: Record<string, [number, string]> = {
  'bytes that are no HTTP': [400, '\x00\x01\x02\xff\r\n\r\n'],
  'another protocol': [400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'no version': [505, `GET ${PATH}\r\n${HOST}\r\n`],
  'an unknown version': [505, `GET ${PATH} HTTP/9.9\r\n${HOST}\r\n`],
  'no host': [400, `GET ${PATH} HTTP/1.1\r\n\r\n`],
  'a field without a colon': [400, get(PATH, 'nonsense\r\n')],
  'a field name with a space': [400, get(PATH, 'a b: c\r\n')],
  'a folded field': [400, get(PATH, 'A: b\r\n c\r\n')],
  'a NUL in a field': [400, get(PATH, 'A: b\0c\r\n')],
  'a bare CR in a field': [400, get(PATH, 'A: b\rX: c\r\n')],
  'a space in the target': [505, get('/api/a da/tasks')],
  'a field of a megabyte': [431, get(PATH, `A: ${'b'.repeat(1e6)}\r\n`)],
  'ten thousand fields': [
    431,
    get(
      PATH,
      times(10_000, (n) => `x${n}: y\r\n`),
    ),
  ],
  'a target of a megabyte': [431, get(`/${'a'.repeat(1e6)}`)],
  '10,000 query parameters': [431, get(`${PATH}?${times(10_000, (n) => `a${n}=b`, '&')}`)],
  'as many query parameters as fit': [400, get(`${PATH}?${times(1500, (n) => `a${n}=b`, '&')}`)],
  'one query parameter 2,500 times': [400, get(`${PATH}?${times(2500, () => 'tag=b', '&')}`)],
  'huge numbers in the query': [400, get(`${PATH}?limit=${'9'.repeat(10_000)}`)],
  'a broken escape in the path': [400, get('/api/%/tasks')],
  'a NUL in the path': [400, get('/api/a%00/tasks')],
  'a path that climbs': [400, get('/api/ada/tasks/../../../etc/passwd')],
  'a negative length': [400, announce('Content-Length: -1')],
  'a length that is no number': [400, announce('Content-Length: many')],
  'a length beyond all numbers': [400, announce('Content-Length: 99999999999999999999')],
  'a length beyond the limit': [413, announce('Content-Length: 262145')],
  'two lengths': [400, announce('Content-Length: 15\r\nContent-Length: 16', '{"title":"Milk"}')],
  'a length and chunks': [400, announce('Content-Length: 15\r\nTransfer-Encoding: chunked', '0\r\n\r\n')],
  'an unknown transfer coding': [400, announce('Transfer-Encoding: gzip', '0\r\n\r\n')],
  'a chunk without a size': [400, announce('Transfer-Encoding: chunked', 'many\r\n\r\n')],
  'a chunk beyond all sizes': [400, announce('Transfer-Encoding: chunked', 'FFFFFFFFFFFFFFFFF\r\n\r\n')],
  'chunks beyond the limit': [
    413,
    announce(
      'Transfer-Encoding: chunked',
      times(80, () => `1000\r\n${'x'.repeat(4096)}\r\n`),
    ),
  ],
  '100,000 nested arrays': [400, post(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
  '100,000 nested arrays as a title': [400, post(`{"title":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)],
  '40,000 nested objects': [400, post(`${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`)],
  '100,000 arrays that do not end': [400, post('['.repeat(100_000))],
  '20,000 unknown members': [400, post(`{${times(20_000, (n) => `"k${n}":1`, ',')}}`)],
  '50,000 tags': [400, post(`{"title":"Milk","tags":[${times(50_000, () => '1', ',')}]}`)],
  'a number of 200,000 digits': [400, post(`{"title":"Milk","order":${'9'.repeat(200_000)}}`)],
  'a number beyond all numbers': [400, post('{"title":"Milk","order":1e400}')],
  'a prototype': [400, post('{"title":"Milk","__proto__":{"completed":true}}')],
  'an entity tag bomb': [400, announce('If-Match: "').replace('POST', 'PUT').replace(PATH, `${PATH}/1`)],
};

let database: FaultyDatabase;
let service: Service;
beforeAll(async () => {
  database = await openFaultyDatabase('PostgreSQL');
  service = await database.serve();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function sendAlone<Body = unknown>(bytes: string): Promise<Answer<Body>> {
  const client = new Connection(service.origin);
  try {
    return await client.send<Body>(Buffer.from(bytes, 'latin1'));
  } finally {
    client.close();
  }
}

/** The service is unharmed: it answers, and nothing was stored. */
async function expectUnharmed(): Promise<void> {
  const { status, body } = await sendAlone(get(PATH));
  expect([status, body, service.isRunning()]).toEqual([200, [], true]);
}

test.each(Object.entries(REQUESTS))('%s gets a clear answer and does no harm', async (_, [status, bytes]) => {
  const reply = await sendAlone(bytes);
  expect(reply.status).toBe(status);
  // Bun refuses itself what is not even HTTP, as docs/errors.md says.
  if (reply.body === undefined) {
    expect([400, 431, 505]).toContain(status);
    expect(reply.headers).toEqual({ connection: 'close' });
  } else {
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.body).toMatchObject({ status, request_id: reply.headers['x-request-id'] });
    expect(JSON.stringify(reply.body).length).toBeLessThan(20_000);
  }
  await expectUnharmed();
});

test.each(['FOO', 'get', 'A'.repeat(50)])(
  'A method that Bun does not know (%s) is cut and does no harm',
  async (method) => {
    await expect(sendAlone(`${method} ${PATH} HTTP/1.1\r\n${HOST}\r\n`)).rejects.toBeInstanceOf(Unanswered);
    await expectUnharmed();
  },
);

test('Pipelined requests are answered in their order, also behind one that is refused', async () => {
  const client = new Connection(service.origin);
  const socket = await client.connect();
  const requests = [get('/health/live'), get('/nothing'), get('/swagger/start.js')];
  socket.write(times(30, (n) => requests[n % 3] as string));
  for (let n = 0; n < 30; n += 1) expect((await client.read()).status).toBe([200, 404, 200][n % 3] as number);
  client.close();
  await expectUnharmed();
});

test('Requests pipelined behind one that waits for the database are cut by Bun, and do no harm', async () => {
  const client = new Connection(service.origin);
  const socket = await client.connect();
  socket.write(times(30, () => get(PATH)));
  await expect(client.read()).rejects.toBeInstanceOf(Unanswered);
  await expectUnharmed();
});

test('Clients that leave in the middle of a request or before its answer leave nothing behind', async () => {
  for (const bytes of [
    announce('Content-Length: 100', '{"ti'),
    announce('Transfer-Encoding: chunked', '4\r\n{"ti\r\n'),
    get(PATH),
  ])
    for (let n = 0; n < 20; n += 1) {
      const socket = await new Connection(service.origin).connect();
      socket.write(bytes, () => socket.destroy());
    }
  await expectUnharmed();
  const inFlight = async () =>
    /^http_requests_in_flight (\d+)$/m.exec((await sendAlone<string>(get('/metrics'))).body)?.[1];
  // The request for the metrics may be counted itself.
  await until(async () => Number(await inFlight()) <= 1);
});
