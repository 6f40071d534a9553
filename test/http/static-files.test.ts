/** The files of the docs page travel compressed, and once: a client that has one is told so. */
import { expect, test } from 'bun:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { serve } from '../support/server.ts';

const BUNDLE = '/swagger/swagger-ui-bundle.js';
/** Those that a coding makes smaller. */
const ENCODED = [BUNDLE, '/swagger/swagger-ui.css', '/swagger/json'];
const PLAIN = ['/swagger/start.js', '/swagger/favicon-32x32.png'];

function open() {
  const server = serve();
  const read = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(server.origin + path, { method, headers: { 'accept-encoding': '', ...headers }, decompress: false });
  return { ...server, read };
}

test.each(ENCODED)('%s is the same in each coding, and smaller', async (path) => {
  await using server = open();
  const plain = await (await server.read(path)).bytes();
  for (const [coding, decode] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const answer = await server.read(path, { 'accept-encoding': coding });
    const encoded = await answer.bytes();
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-encoding': coding,
      'content-length': String(encoded.byteLength),
      vary: 'Origin, Accept-Encoding',
    });
    expect(encoded.byteLength).toBeLessThan(plain.byteLength / 2);
    expect(decode(encoded).equals(plain)).toBe(true);
  }
});

test.each([
  ['', undefined],
  ['identity', undefined],
  ['zstd', undefined],
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip, deflate', 'gzip'],
  ['GZIP;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br ; q=0.0, gzip; q=0', undefined],
  ['*', 'br'],
  ['*;q=0', undefined],
  ['br;q=0, *;q=0.5', 'gzip'],
  [';;q=,,', undefined],
])('Accept-Encoding: %s is answered in %p', async (field, coding) => {
  await using server = open();
  const { headers } = await server.read('/swagger/json', { 'accept-encoding': field });
  expect(headers.get('content-encoding') ?? undefined).toBe(coding);
});

test.each([...ENCODED, ...PLAIN])('%s is 304 to a client that has it, in its coding', async (path) => {
  await using server = open();
  const tags = new Set<string>();
  for (const coding of ['', 'gzip', 'br']) {
    const read = (tag: string, method?: string) =>
      server.read(path, { 'accept-encoding': coding, 'if-none-match': tag }, method);
    const { status, headers } = await read('"other"');
    const etag = headers.get('etag') ?? '';
    expect([status, etag]).toEqual([200, expect.stringMatching(/^"[\w-]{22}(-br|-gzip)?"$/)]);
    for (const method of ['GET', 'HEAD']) {
      const known = await read(`"other", W/${etag}`, method);
      expect(known.status).toBe(304);
      expect(await known.text()).toBe('');
      for (const name of ['etag', 'vary', 'cache-control']) expect(known.headers.get(name)).toBe(headers.get(name));
      expect((await read('*', method)).status).toBe(304);
    }
    tags.add(etag);
  }
  expect(tags.size).toBe(ENCODED.includes(path) ? 3 : 1);
});

test('HEAD of a file tells what GET would', async () => {
  await using server = open();
  const headers = { 'accept-encoding': 'br' };
  const head = await server.read(BUNDLE, headers, 'HEAD');
  const get = await server.read(BUNDLE, headers);
  const { date: _, 'x-request-id': __, ...expected } = Object.fromEntries(get.headers);
  expect(Object.fromEntries(head.headers)).toMatchObject(expected);
  expect(await head.text()).toBe('');
});

test('Clients that ask for a file at once all get it whole', async () => {
  await using server = open();
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const answer = await server.read(BUNDLE, { 'accept-encoding': 'br' });
      return Bun.hash(await answer.bytes());
    }),
  );
  expect(new Set(answers).size).toBe(1);
});
