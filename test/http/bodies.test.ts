import { describe, expect, test } from 'bun:test';
import { invalidInput, problem, success, tooManyViolations } from '../support/expected.ts';
import { serve } from '../support/server.ts';

const MILK = '{"title":"Buy milk"}';
const typed = (type: string, raw: string | Uint8Array<ArrayBuffer> = MILK) => ({
  raw,
  headers: { 'content-type': type },
});
const json = (raw: string | Uint8Array<ArrayBuffer>) => typed('application/json', raw);

const unsupported = (path: string, types: string, header: 'accept' | 'accept-patch') =>
  problem(
    path,
    {
      type: 'unsupported-media-type',
      title: 'The media type is not supported',
      status: 415,
      detail: `Send a body of type ${types}.`,
    },
    { [header]: types },
  );

const tooLarge = (path: string) =>
  problem(
    path,
    {
      type: 'content-too-large',
      title: 'The body is too large',
      status: 413,
      detail: 'A body may have up to 262144 bytes.',
    },
    { connection: 'close' },
  );

describe('The media type of a body', () => {
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'APPLICATION/JSON ; CHARSET=utf8',
    'application/json; profile="x"',
  ]) {
    test(`may be written ${type}`, async () => {
      await using server = serve();
      expect(await server.call('POST', server.root, typed(type))).toMatchObject({ status: 201 });
    });
  }

  for (const type of [
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/merge-patch+json',
    'application/json; charset=latin1',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json, text/plain',
    'json',
    '',
  ]) {
    test(`is refused as ${type || 'an empty field'} by POST and PUT, which say what they accept`, async () => {
      await using server = serve();
      const { call, root, create, stored } = server;
      const { id } = await create();
      const before = await stored();
      for (const [method, path] of [
        ['POST', root],
        ['PUT', `${root}/${id}`],
      ] as const) {
        expect(await call(method, path, typed(type))).toEqual(unsupported(path, 'application/json', 'accept'));
      }
      expect(await stored()).toEqual(before);
    });
  }

  test('is asked for when there is a body and none is named', async () => {
    await using server = serve();
    expect(await server.call('POST', server.root, { raw: MILK })).toEqual(
      unsupported(server.root, 'application/json', 'accept'),
    );
  });

  test('is told by Accept-Patch when a patch has another one', async () => {
    await using server = serve();
    const { call, root, create } = server;
    const { id } = await create();
    for (const path of [`${root}/${id}`, `${root}/${id}/complete`]) {
      expect(await call('PATCH', path, typed('application/json-patch+json', '[]'))).toEqual(
        unsupported(path, 'application/merge-patch+json, application/json', 'accept-patch'),
      );
    }
  });

  test('must have no content coding', async () => {
    await using server = serve();
    const { call, root } = server;
    const compressed = {
      raw: Bun.gzipSync(MILK),
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    };
    expect(await call('POST', root, compressed)).toEqual(
      problem(
        root,
        {
          type: 'unsupported-media-type',
          title: 'The media type is not supported',
          status: 415,
          detail: 'Send the body without content coding.',
        },
        { 'accept-encoding': 'identity' },
      ),
    );
  });
});

describe('A body that is not what it should be', () => {
  const NOT_JSON = 'is not valid JSON';
  const NOT_TEXT = 'is not valid UTF-8';
  const TOO_DEEP = 'is nested too deeply';
  const TOO_MANY = 'has more than 1000 values';
  const NO_OBJECT = 'must be a JSON object';
  const REFUSED: [what: string, body: string | Uint8Array<ArrayBuffer>, detail: string][] = [
    ['is cut off', '{"title":"Buy mi', NOT_JSON],
    ['has a comma too many', '{"title":"Buy milk",}', NOT_JSON],
    ['has something after its end', `${MILK} ${MILK}`, NOT_JSON],
    ['has a comment', `// milk\n${MILK}`, NOT_JSON],
    ['is no word of JSON', 'undefined', NOT_JSON],
    ['holds NaN', '{"title":"Buy milk","order":NaN}', NOT_JSON],
    ['holds a control character', '{"title":"Buy\nmilk"}', NOT_JSON],
    ['is nothing but white space', '  \n', NOT_JSON],
    ['is no UTF-8', new Uint8Array([...Buffer.from('{"title":"'), 0xff, ...Buffer.from('"}')]), NOT_TEXT],
    ['is UTF-16', new Uint8Array(Buffer.from(MILK, 'utf16le')), NOT_JSON],
    [
      'has a surrogate in UTF-8',
      new Uint8Array([...Buffer.from('{"title":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d]),
      NOT_TEXT,
    ],
    ['is empty', '', NO_OBJECT],
    ['is null', 'null', NO_OBJECT],
    ['is an array', `[${MILK}]`, NO_OBJECT],
    ['is a string', '"Buy milk"', NO_OBJECT],
    ['is a number', '5', NO_OBJECT],
    ['is a boolean', 'true', NO_OBJECT],
    ['has an array of too many values', `{"title":"Buy milk","tags":[${'1,'.repeat(125_000)}1]}`, TOO_MANY],
    ['has too many members', `{${Array.from({ length: 1001 }, (_, n) => `"n${n}":1`)}}`, TOO_MANY],
    ['has a member too many times', `{${'"title":"Buy milk",'.repeat(1000)}"title":""}`, TOO_MANY],
    ['holds too much where all is ignored', `{"title":"Buy milk","id":[${'{},'.repeat(1000)}{}]}`, TOO_MANY],
    [
      'has a name that is too long',
      `{"title":"Buy milk","${'/'.repeat(257)}" :1}`,
      'has a name of more than 256 characters',
    ],
    ['is too deep and not even JSON', '['.repeat(100_000), TOO_DEEP],
    ['has too many values and is not even JSON', ','.repeat(100_000), TOO_MANY],
  ];
  for (const [what, body, detail] of REFUSED) {
    test(`is a 400 when it ${what}, and stores nothing`, async () => {
      await using server = serve();
      const { call, root, create, stored } = server;
      const { id } = await create();
      const before = await stored();
      for (const [method, path] of [
        ['POST', root],
        ['PUT', `${root}/${id}`],
        ['PATCH', `${root}/${id}`],
      ] as const) {
        expect(await call(method, path, json(body))).toEqual(invalidInput(path, [{ in: 'body', pointer: '', detail }]));
      }
      expect(await stored()).toEqual(before);
    });
  }

  for (const [what, body] of [
    ['an array', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a field', `{"title":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['an unknown field', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`],
    ['an array without an end', '['.repeat(200_000)],
  ] as const) {
    test(`is a 400 when ${what} is nested very deeply`, async () => {
      await using server = serve();
      expect(await server.call('POST', server.root, json(body))).toEqual(
        invalidInput(server.root, [{ in: 'body', pointer: '', detail: TOO_DEEP }]),
      );
      expect(await server.stored()).toEqual({ tasks: [], revision: undefined });
    });
  }

  test('may have 1000 values, of which each wrong one is a violation, and the first hundred are told', async () => {
    await using server = serve();
    const { call, root } = server;
    const names = Array.from({ length: 1000 }, (_, n) => `n${n}`);
    const strays = names
      .slice(1)
      .map((name) => ({ in: 'body' as const, pointer: `/${name}`, detail: 'unknown field' }));
    const bodyOf = (count: number) =>
      json(`{"title":"Buy milk",${names.slice(1, count + 1).map((name) => `"${name}":1`)}}`);
    for (const count of [1, 99, 100])
      expect(await call('POST', root, bodyOf(count))).toEqual(invalidInput(root, strays.slice(0, count)));
    for (const count of [101, 999])
      expect(await call('POST', root, bodyOf(count))).toEqual(tooManyViolations(root, strays));
    // All parts of a request together.
    const path = `/api/${'x'.repeat(256)}/tasks`;
    const both = await call('POST', path, bodyOf(100));
    expect(both).toEqual(
      tooManyViolations(path, [
        { in: 'path', pointer: 'user_id', detail: expect.any(String) as unknown as string },
        ...strays,
      ]),
    );
  });

  test('may have a name of 256 characters, which the answer repeats', async () => {
    await using server = serve();
    const { call, root } = server;
    const name = 'n'.repeat(256);
    expect(await call('POST', root, json(`{"title":1,"${name}":1}`))).toEqual(
      invalidInput(root, [
        { in: 'body', pointer: `/${name}`, detail: 'unknown field' },
        { in: 'body', pointer: '/title', detail: expect.any(String) as unknown as string },
      ]),
    );
  });

  test('counts no bracket and no comma within a text', async () => {
    await using server = serve();
    const { call, root } = server;
    const description = '[{",\\"'.repeat(1600);
    const answer = await call('POST', root, json(JSON.stringify({ title: 'Brackets', description })));
    expect(answer).toMatchObject({ status: 201, body: { description } });
  });

  test('may be nested 8 levels deep, which its schema then refuses, and no deeper', async () => {
    await using server = serve();
    const { call, root } = server;
    const nested = (depth: number) => json(`{"title":"a","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
    expect(await call('POST', root, nested(8))).toEqual(
      invalidInput(root, [{ in: 'body', pointer: '/x', detail: 'unknown field' }]),
    );
    expect(await call('POST', root, nested(9))).toEqual(
      invalidInput(root, [{ in: 'body', pointer: '', detail: TOO_DEEP }]),
    );
  });

  test('is a 400 when it wants to change the prototype of objects, and changes none', async () => {
    await using server = serve();
    const { call, root } = server;
    expect(await call('POST', root, json('{"title":"Buy milk","__proto__":{"completed":true}}'))).toEqual(
      invalidInput(root, [{ in: 'body', pointer: '/__proto__', detail: 'unknown field' }]),
    );
    const created = await call('POST', root, json('{"title":"Buy milk"}'));
    expect(created).toMatchObject({ status: 201, body: { completed: false } });
  });
});

describe('A body of JSON', () => {
  test('may begin with a byte order mark and have white space around it', async () => {
    await using server = serve();
    expect(await server.call('POST', server.root, json(`\ufeff\r\n ${MILK} \t`))).toMatchObject({ status: 201 });
  });

  test('may escape any character', async () => {
    await using server = serve();
    const answer = await server.call('POST', server.root, json('{"\\u0074itle":"\\ud83e\\udd8a \\u00e9"}'));
    expect(answer).toMatchObject({ status: 201, body: { title: '🦊 é' } });
  });

  test('may be of a length that is not told beforehand', async () => {
    await using server = serve();
    const { call, root } = server;
    const raw = new ReadableStream({
      async start(controller) {
        for (const byte of Buffer.from('{"title":"Buy 🦊"}')) {
          controller.enqueue(new Uint8Array([byte]));
          await Bun.sleep(0);
        }
        controller.close();
      },
    });
    const answer = await call('POST', root, { raw, headers: { 'content-type': 'application/json' } });
    expect(answer).toMatchObject({ status: 201, body: { title: 'Buy 🦊' } });
  });

  test('may be empty where none is needed', async () => {
    await using server = serve();
    const { call, root, create } = server;
    const { url } = await create();
    expect(await call('PATCH', `${url}/complete`, json(''))).toMatchObject({ status: 200 });
    expect(await call('DELETE', url, json(''))).toMatchObject({ status: 204 });
    expect(await call('POST', `${url}/restore`, json(''))).toMatchObject({ status: 200 });
    expect(await call('DELETE', root, json(''))).toMatchObject({ status: 204 });
  });
});

describe('The size of a body', () => {
  const filled = (bytes: number) => `{"title":"Buy milk","description":null${' '.repeat(bytes - 39)}}`;

  test('may be exactly the limit', async () => {
    await using server = serve();
    const { call, root } = server;
    const answer = await call('POST', root, json(filled(262_144)));
    expect(answer).toEqual(success(201, answer.body, { etag: '"1"', location: expect.any(String) }));
  });

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    test(`is a 413 of ${method} when it is over the limit`, async () => {
      await using server = serve();
      const { call, root, create } = server;
      const { id } = await create();
      const path = method === 'POST' ? root : `${root}/${id}`;
      expect(await call(method, path, json(filled(262_145)))).toEqual(tooLarge(path));
    });
  }

  test('is a 413 as well when it is not told beforehand', async () => {
    await using server = serve();
    const { call, root, stored } = server;
    const raw = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    const answer = await call('POST', root, { raw, headers: { 'content-type': 'application/json' } });
    expect(answer).toEqual(tooLarge(root));
    expect(await stored()).toEqual({ tasks: [], revision: undefined });
  });

  test('is a 413 before anything of the body has come', async () => {
    await using server = serve();
    const { root, send } = server;
    const answer = await send(
      `POST ${root} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 262145\r\n\r\n{`,
    );
    expect(answer).toMatchObject({ status: 413, headers: { 'content-type': 'application/problem+json' } });
  });

  test('does not keep the next request from an answer', async () => {
    await using server = serve();
    const { call, root } = server;
    await call('POST', root, json(filled(1_000_000)));
    expect(await call('POST', root, json(MILK))).toMatchObject({ status: 201 });
  });

  test('has the limit that the configuration sets', async () => {
    await using server = serve({ maxBodyBytes: 1024 });
    const { call, root } = server;
    expect(await call('POST', root, json(filled(1024)))).toMatchObject({ status: 201 });
    expect(await call('POST', root, json(filled(1025)))).toMatchObject({ status: 413 });
  });
});
