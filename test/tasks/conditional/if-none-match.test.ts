import { expect, test } from 'bun:test';
import { forEachDatabase } from '../../support/databases.ts';
import { LIST_VARY, listNotModified, notModified, success, taskNotFound } from '../../support/expected.ts';
import { linksOf } from '../../support/links.ts';

/** What names the tag, in every form that RFC 9110 has; `@` is the tag with its quotes. */
const MATCHING = [
  '@',
  'W/@',
  '*',
  '"0", @',
  '@, "0"',
  'W/"0",W/@',
  ' , ,@ ,, ',
  '"a,b", @',
  '"\\", @',
  '"", @',
  '"\u00e9", @',
  '"W/", @',
  '\t@\t',
];

/** What does not, for it names other tags, or cannot be read. */
const OTHER = [
  '',
  ',',
  '"0"',
  'W/"0"',
  '"@"',
  'w/@',
  'W/ @',
  'W@',
  '@ @',
  '@ "0"',
  '@; a=b',
  '*, @',
  '@, *',
  '**',
  '"*"',
  '"0',
  '"',
  '@"',
  '"0" @, "1"',
  "'@'",
];

forEachDatabase('GET with If-None-Match', (open) => {
  test('is 304 where the field names the current tag, weak or strong, or any', async () => {
    const { call, root, create } = open();
    const { url } = await create();
    for (const [address, known] of [
      [url, notModified],
      [root, listNotModified],
    ] as const) {
      const etag = (await call('GET', address)).headers.etag as string;
      for (const field of MATCHING) {
        const headers = { 'if-none-match': field.replaceAll('@', etag) };
        const answers = [await call('GET', address, { headers }), await call('HEAD', address, { headers })];
        expect({ field, answers }).toEqual({ field, answers: [known(etag), known(etag)] });
      }
    }
  });

  test('is the whole answer where the field names other tags or cannot be read', async () => {
    const { call, root, create } = open();
    const { url } = await create();
    for (const address of [url, root]) {
      const whole = await call('GET', address);
      const inside = (whole.headers.etag as string).slice(1, -1);
      for (const field of OTHER) {
        const headers = { 'if-none-match': field.replaceAll('"@"', inside).replaceAll('@', `"${inside}"`) };
        const answer = await call('GET', address, { headers });
        const expected = { ...whole, headers: { ...whole.headers, 'x-request-id': answer.headers['x-request-id'] } };
        expect({ field, answer }).toEqual({ field, answer: expected as typeof answer });
      }
    }
  });

  test('takes several fields as one list', async () => {
    const { app, root, create } = open();
    const { url } = await create();
    for (const address of [url, `http://localhost${root}`]) {
      const { headers } = await app.handle(new Request(address));
      const fields = ['"a"', 'W/"b"', headers.get('etag') ?? '', '"c"'].map((tag) => ['if-none-match', tag]);
      const answer = await app.handle(new Request(address, { headers: fields as [string, string][] }));
      expect(answer.status).toBe(304);
    }
  });

  test('shows a task again as soon as it has changed', async () => {
    const { call, create } = open();
    const { url } = await create();
    const { body: changed } = await call('PATCH', url, { body: { order: 1 } });
    expect(await call('GET', url, { headers: { 'if-none-match': '"1"' } })).toEqual(
      success(200, changed, { etag: '"2"' }),
    );
  });

  test('shows a list again as soon as any task of the user has changed, in the list or not', async () => {
    const { call, root, create } = open();
    const { url } = await create();
    const [all, none] = [await call('GET', root), await call('GET', `${root}?tag=a`)];
    const { body: changed } = await call('PATCH', url, { body: { order: 1 } });
    for (const { first, address, body } of [
      { first: all, address: root, body: [changed] },
      { first: none, address: `${root}?tag=a`, body: [] },
    ]) {
      const headers = { 'if-none-match': first.headers.etag as string };
      const second = await call('GET', address, { headers });
      expect(second).toMatchObject({ status: 200, body });
      expect(second.headers.etag).not.toBe(first.headers.etag as string);
    }
  });

  test('is 304 to an empty list, of a user with tasks and of one without', async () => {
    const { call, root, create } = open();
    for (const address of [root, `${root}?tag=a`]) {
      const { headers } = await call('GET', address);
      const answer = await call('GET', address, { headers: { 'if-none-match': headers.etag as string } });
      expect(answer).toEqual(listNotModified(headers.etag));
      await create();
    }
  });

  test('is 304 to a later page', async () => {
    const { call, root, create } = open();
    await create();
    await create();
    const { next = '' } = linksOf((await call('GET', `${root}?limit=1`)).headers);
    const { headers } = await call('GET', next);
    expect(await call('GET', next, { headers: { 'if-none-match': headers.etag as string } })).toEqual(
      listNotModified(headers.etag),
    );
  });

  test('counts nothing for a 304, to a client that has the list with a count', async () => {
    const { call, root, create } = open();
    await create();
    const prefer = 'count=exact';
    const { headers } = await call('GET', root, { headers: { prefer } });
    const conditions = { 'if-none-match': headers.etag as string, prefer };
    expect(await call('GET', root, { headers: conditions })).toEqual(listNotModified(headers.etag));
  });

  test('counts for a client that has the list without a count, as a browser that asks with the tag of that', async () => {
    const { call, root, create } = open();
    await create();
    const { headers } = await call('GET', root);
    const conditions = { 'if-none-match': headers.etag as string, prefer: 'count=exact' };
    const counted = await call('GET', root, { headers: conditions });
    expect(counted).toMatchObject({ status: 200, headers: { 'x-total-count': '1', vary: LIST_VARY } });
    const plain = { 'if-none-match': counted.headers.etag as string };
    const again = await call('GET', root, { headers: plain });
    expect(again).toEqual({ ...again, status: 200, headers: { ...headers, 'x-request-id': expect.any(String) } });
  });

  test('does not take the tag of a task for that of a list, nor that of one list for that of another', async () => {
    const { call, root, create } = open();
    const { url } = await create();
    const list = (await call('GET', root)).headers.etag as string;
    for (const [address, tag] of [
      [root, '"1"'],
      [`${root}?limit=50`, list],
      [`${root}?completed=false`, list],
      [url, list],
    ] as const)
      expect(await call('GET', address, { headers: { 'if-none-match': tag } })).toMatchObject({ status: 200 });
  });

  test('does not find what is not there, whatever the client has', async () => {
    const { call, root, create } = open();
    const { url, id } = await create();
    await call('DELETE', url);
    for (const tag of ['*', '"1"', '"2"', 'x'])
      expect(await call('GET', url, { headers: { 'if-none-match': tag } })).toEqual(taskNotFound(`${root}/${id}`));
  });
});
