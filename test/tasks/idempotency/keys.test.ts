import { expect, test } from 'bun:test';
import type { Task } from '../../../src/tasks/schema.ts';
import { forEachDatabase, onOneDatabase } from '../../support/databases.ts';
import { invalidInput } from '../../support/expected.ts';

const NAME = 'idempotency-key';
const LONGEST = 'k'.repeat(255);

forEachDatabase('An Idempotency-Key', (open) => {
  const withKey = (key: string) => ({ body: { title: 'Buy milk' }, headers: { [NAME]: key } });

  for (const key of [
    'a',
    LONGEST,
    `"${LONGEST}"`,
    '"\\"\\\\"',
    'a b',
    "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    '0',
    ' a ',
  ]) {
    test(`may be ${key.length > 60 ? `of ${key.length} characters` : JSON.stringify(key)}`, async () => {
      const { call, root, stored } = open();
      const first = await call('POST', root, withKey(key));
      const second = await call('POST', root, withKey(key));
      expect([first.status, second.status]).toEqual([201, 201]);
      expect(second.headers['idempotency-replayed']).toBe('true');
      expect((await stored()).tasks).toHaveLength(1);
    });
  }

  for (const [what, one, other] of [
    ['quoted and bare', 'k-1', '"k-1"'],
    ['with what has to be escaped, quoted and bare', 'a\\b', '"a\\\\b"'],
    ['with white space around it', 'k-1', ' \tk-1 '],
  ]) {
    test(`is the same ${what}`, async () => {
      const { call, root, stored } = open();
      const first = await call('POST', root, withKey(`${one}`));
      const second = await call('POST', root, withKey(`${other}`));
      expect(second.body).toEqual(first.body);
      expect((await stored()).tasks).toHaveLength(1);
    });
  }

  for (const [one, other] of [
    ['a', 'A'],
    ['a', 'a.'],
    ['%61', 'a'],
    ["'a'", 'a'],
    [LONGEST, LONGEST.slice(1)],
  ]) {
    test(`is another one when it is ${`${other}`.slice(0, 9)} and not ${`${one}`.slice(0, 9)}`, async () => {
      const { call, root, stored } = open();
      await call('POST', root, withKey(`${one}`));
      const second = await call('POST', root, withKey(`${other}`));
      expect(second.headers).not.toHaveProperty('idempotency-replayed');
      expect((await stored()).tasks).toHaveLength(2);
    });
  }

  test('is of one user: the same key of another is another one', async () => {
    const { call, root, user, stored } = open();
    const mine = await call<Task>('POST', root, withKey('k'));
    const theirs = await call<Task>('POST', `/api/${user}-other/tasks`, { ...withKey('k'), body: { title: 'Theirs' } });
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.headers).not.toHaveProperty('idempotency-replayed');
    expect((await stored()).tasks).toMatchObject([{ title: 'Buy milk' }]);
    expect((await stored(`${user}-other`)).tasks).toMatchObject([{ title: 'Theirs' }]);
  });

  test('says nothing on PUT and DELETE, which do no more when they are repeated', async () => {
    const { call, create } = open();
    const { url } = await create();
    for (const title of ['a', 'b']) {
      const { status, headers, body } = await call('PUT', url, { ...withKey('k'), body: { title } });
      expect({ status, body }).toMatchObject({ status: 200, body: { title } });
      expect(headers).not.toHaveProperty('idempotency-replayed');
    }
    expect((await call('DELETE', url, { headers: { [NAME]: '"' } })).status).toBe(204);
  });
});

onOneDatabase('An Idempotency-Key', (open) => {
  for (const key of [
    '',
    '"',
    '""',
    '"a',
    'a"',
    'a"b',
    '"a"b"',
    '"a" "b"',
    '"a", "b"',
    '"a"; b=c',
    '"\\a"',
    '"a\\"',
    'é',
    '"é"',
    'a\tb',
    `${LONGEST}k`,
    `"${LONGEST}k"`,
  ]) {
    test(`may not be ${key.length > 60 ? `of ${key.length} characters` : JSON.stringify(key)}, for any request that takes one`, async () => {
      const { refuse, root, create, stored } = open();
      const { url } = await create();
      const before = await stored();
      const path = new URL(url).pathname;
      for (const [method, address, body] of [
        ['POST', root, { title: 'Buy milk' }],
        ['PATCH', path, { title: 'Buy bread' }],
        ['PATCH', `${path}/complete`, undefined],
        ['POST', `${path}/restore`, undefined],
      ] as const)
        expect(await refuse(method, address, { body, headers: { [NAME]: key } })).toEqual(
          invalidInput(address, [
            { in: 'header', pointer: 'Idempotency-Key', detail: 'must be 1 to 255 printable characters' },
          ]),
        );
      expect(await stored()).toEqual(before);
    });
  }
});
