import { describe, expect, test } from 'bun:test';
import type { AllowedOrigins } from '../../src/http/cors.ts';
import { LIST_VARY } from '../support/expected.ts';
import { serve } from '../support/server.ts';

/** What the contract says that a page may see. */
const EXPOSED = [
  'Accept',
  'Accept-Encoding',
  'Accept-Patch',
  'Allow',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'Retry-After',
  'X-Request-Id',
  'X-Total-Count',
];
/** What the contract says that a page may send. */
const SENDABLE = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'Prefer',
  'Traceparent',
  'X-Request-Id',
];

const SETTINGS: { origins: AllowedOrigins; allowed: string[]; refused: string[] }[] = [
  {
    origins: 'localhost',
    allowed: [
      'http://localhost',
      'http://localhost:5173',
      'https://localhost:3000',
      'http://127.0.0.1:8080',
      'http://[::1]:8080',
    ],
    refused: [
      'https://todo.example',
      'http://localhost.evil.example',
      'http://evil-localhost',
      'http://127.0.0.1.evil.example',
      'http://127.0.0.10',
      'file://localhost',
      'null',
    ],
  },
  {
    origins: ['https://todo.example', 'http://other.example:8080'],
    allowed: ['https://todo.example', 'http://other.example:8080'],
    refused: [
      'http://todo.example',
      'https://todo.example:8443',
      'https://sub.todo.example',
      'http://localhost',
      'null',
    ],
  },
];

const list = (field = '') => field.split(', ');
const corsHeaders = (headers: Record<string, string>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('A page of an origin that is allowed', () => {
  for (const { origins, allowed } of SETTINGS) {
    for (const origin of allowed) {
      test(`may read answers, by ${origins}: ${origin}`, async () => {
        await using server = serve({ corsOrigins: origins });
        const { headers } = await server.call('GET', server.root, { headers: { origin } });
        expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: LIST_VARY });
        expect(list(headers['access-control-expose-headers']).sort()).toEqual(EXPOSED);
        expect(corsHeaders(headers).sort()).toEqual([
          ...(origins === 'localhost' ? [] : ['access-control-allow-credentials']),
          'access-control-allow-origin',
          'access-control-expose-headers',
        ]);
      });
    }
  }

  test('is any page, with an answer that does not depend on it, by *', async () => {
    await using server = serve({ corsOrigins: '*' });
    for (const origin of ['https://todo.example', 'http://localhost:5173', 'null']) {
      const { headers } = await server.call('GET', server.root, { headers: { origin } });
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers.vary).toBe('Prefer');
      expect(list(headers['access-control-expose-headers']).sort()).toEqual(EXPOSED);
    }
  });

  test('may read every problem too', async () => {
    await using server = serve({ maxBodyBytes: 1024, newTaskId: () => 'no UUID' });
    const { call, root } = server;
    const problems = [
      { status: 400, answer: call('GET', `${root}?limit=0`, { headers: { origin: 'http://localhost' } }) },
      { status: 400, answer: call('GET', '/api/%ZZ/tasks', { headers: { origin: 'http://localhost' } }) },
      { status: 404, answer: call('GET', `${root}/an-id`, { headers: { origin: 'http://localhost' } }) },
      { status: 404, answer: call('GET', '/nothing', { headers: { origin: 'http://localhost' } }) },
      { status: 405, answer: call('PUT', root, { headers: { origin: 'http://localhost' } }) },
      { status: 413, answer: call('POST', root, { raw: 'x'.repeat(1025), headers: { origin: 'http://localhost' } }) },
      { status: 415, answer: call('POST', root, { raw: 'x', headers: { origin: 'http://localhost' } }) },
      { status: 500, answer: call('POST', root, { body: { title: 'x' }, headers: { origin: 'http://localhost' } }) },
    ];
    for (const { status, answer } of problems) {
      expect(await answer).toMatchObject({
        status,
        headers: {
          'access-control-allow-origin': 'http://localhost',
          'access-control-expose-headers': expect.stringContaining('X-Request-Id'),
          vary: 'Origin',
        },
      });
    }
  });

  for (const { origins, allowed } of [...SETTINGS, { origins: '*' as const, allowed: ['https://todo.example'] }]) {
    test(`may send every request that there is, by ${origins}`, async () => {
      await using server = serve({ corsOrigins: origins });
      const { call, root } = server;
      const origin = allowed[0] as string;
      for (const [method, path] of [
        ['POST', root],
        ['DELETE', root],
        ['PUT', `${root}/an-id`],
        ['PATCH', `${root}/an-id/complete`],
      ] as const) {
        const { status, headers, body } = await call('OPTIONS', path, {
          headers: {
            origin,
            'access-control-request-method': method,
            'access-control-request-headers': 'content-type,if-match',
          },
        });
        expect({ status, body }).toEqual({ status: 204, body: undefined });
        expect(Object.fromEntries(corsHeaders(headers).map((name) => [name, headers[name]]))).toEqual({
          'access-control-allow-origin': origins === '*' ? '*' : origin,
          'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
          'access-control-allow-headers': SENDABLE.join(', '),
          'access-control-max-age': '7200',
          ...(typeof origins !== 'string' && { 'access-control-allow-credentials': 'true' }),
        });
      }
    });
  }
});

test('Only a preflight is told what may be sent; other requests are told what may be read', async () => {
  await using server = serve();
  const { call, root } = server;
  const origin = 'http://localhost';
  for (const [method, headers] of [
    ['OPTIONS', { origin }],
    ['GET', { origin, 'access-control-request-method': 'GET' }],
  ] as const) {
    const answer = await call(method, root, { headers });
    expect(corsHeaders(answer.headers).sort()).toEqual([
      'access-control-allow-origin',
      'access-control-expose-headers',
    ]);
  }
});

describe('A page of any other origin', () => {
  for (const { origins, refused } of SETTINGS) {
    for (const origin of refused) {
      test(`may neither read nor ask to send, by ${origins}: ${origin}`, async () => {
        await using server = serve({ corsOrigins: origins });
        const { call, root } = server;
        const read = await call('GET', root, { headers: { origin } });
        const asked = await call('OPTIONS', root, { headers: { origin, 'access-control-request-method': 'DELETE' } });
        expect([read, asked].flatMap(({ headers }) => corsHeaders(headers))).toEqual([]);
        // Else a cache would give this answer to a page that is allowed.
        expect([read, asked].map(({ headers }) => headers.vary)).toEqual([LIST_VARY, 'Origin']);
      });
    }
  }
});

test('A request of no page gets no CORS headers', async () => {
  await using server = serve();
  const { headers } = await server.call('GET', server.root);
  expect(corsHeaders(headers)).toEqual([]);
});
