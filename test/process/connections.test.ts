/** What docs/configuration.md and docs/errors.md say of connections, and of requests that Bun answers by itself. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Task } from '../../src/tasks/schema.ts';
import { createDatabase } from '../support/postgres.ts';
import { type Service, startService } from '../support/service.ts';

const TIMEOUT_MS = 60_000;
const HOST = 'Host: localhost\r\n';

let service: Service;
beforeAll(async () => {
  service = await startService({ DATABASE_URL: await createDatabase(), DATABASE_TIMEOUT_MS: '1000' });
});
afterAll(() => service[Symbol.asyncDispose]());

function create(user: string, title: string): string {
  const body = JSON.stringify({ title });
  const head = `POST /api/${user}/tasks HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${body.length}`;
  return `${head}\r\n\r\n${body}`;
}

/** Sends bytes and reads until the service ends the connection. */
async function converse(bytes: string): Promise<string> {
  const socket = connect(Number(new URL(service.origin).port), '127.0.0.1');
  let said = '';
  socket.on('data', (part) => {
    said += part;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return said;
}

const statuses = (said: string) => [...said.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);

test('A request that is pipelined behind one that waits for the database ends the connection, and is not done', async () => {
  expect(await converse(create('bob', 'First') + create('bob', 'Second'))).toBe('');
  const { body } = await service.call<Task[]>('GET', '/api/bob/tasks');
  expect(body.map(({ title }) => title)).not.toContain('Second');
});

test.each([
  ['a head of more than 16 KiB', `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(20_000)}\r\n\r\n`, ['431']],
  ['a length that is no number', `POST / HTTP/1.1\r\n${HOST}Content-Length: x\r\n\r\n`, ['400']],
  ['two lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`, ['400']],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ['400']],
  ['a method that it does not know', `BREW /api/ada/tasks HTTP/1.1\r\n${HOST}\r\n`, []],
])('Bun itself answers %s, without a body, and closes the connection', async (_, bytes, expected) => {
  const said = await converse(bytes);
  expect(statuses(said)).toEqual(expected as string[]);
  expect(said).not.toContain('request_id');
});

test('Forwarded and X-Forwarded-* change no address', async () => {
  const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', 'x-forwarded-prefix': '/evil' };
  const { body, headers: told } = await service.call<Task>('POST', '/api/ada/tasks', {
    body: { title: 'Buy milk' },
    headers: { ...headers, forwarded: 'host=evil.example;proto=https' },
  });
  const address = `${service.origin}/api/ada/tasks/${body.id}`;
  expect([body.url, told.location]).toEqual([address, address]);
});

test(
  'A connection that says nothing, or stops in the middle of a request, is closed without an answer',
  async () => {
    const said = await Promise.all([
      converse(''),
      converse('GET / HTTP/1.1\r\nHo'),
      converse(create('ada', 'Never').slice(0, -5)),
    ]);
    expect(said).toEqual(['', '', '']);
  },
  TIMEOUT_MS,
);
