/** Whatever is wrong with a request is told at once, wherever it is: in the path, the query, the headers or the body. */
import { expect, test } from 'bun:test';
import type { Violation } from '../../src/errors.ts';
import { onOneDatabase } from '../support/databases.ts';
import { invalidInput } from '../support/expected.ts';
import { linksOf, withParameter } from '../support/links.ts';

const ID = '01980a3e-7c00-7000-8000-000000000000';
const USER = 'must be a string of 1 to 255 characters, without control characters';
const TAGS = 'must be * or entity tags in double quotes';
const CURSOR = 'must come from the Link of a list with the same sort and filters';

const path: Violation = { in: 'path', pointer: 'user_id', detail: USER };
const ifMatch: Violation = { in: 'header', pointer: 'If-Match', detail: TAGS };
const ifNoneMatch: Violation = { in: 'header', pointer: 'If-None-Match', detail: TAGS };
const key: Violation = { in: 'header', pointer: 'Idempotency-Key', detail: 'must be 1 to 255 printable characters' };
const field: Violation = { in: 'body', pointer: '/titel', detail: 'unknown field' };
const json: Violation = { in: 'body', pointer: '', detail: 'is not valid JSON' };
const parameter: Violation = { in: 'query', pointer: 'titel', detail: 'unknown parameter' };
const cursor: Violation = { in: 'query', pointer: 'cursor', detail: CURSOR };

const headers = { 'if-match': '42', 'if-none-match': '42', 'idempotency-key': '' };
const body = { title: 'Buy milk', titel: 'Buy milk' };

/** By method and what follows the user; with everything wrong that the operation looks at. */
const REQUESTS: [method: string, path: string, request: object, violations: Violation[]][] = [
  ['POST', '', { body, headers }, [path, key, field]],
  ['PUT', `/${ID}`, { body, headers }, [path, ifMatch, ifNoneMatch, field]],
  ['PATCH', `/${ID}`, { body, headers }, [path, ifMatch, ifNoneMatch, key, field]],
  ['PATCH', `/${ID}/complete`, { body: { titel: '' }, headers }, [path, ifMatch, ifNoneMatch, key, field]],
  ['POST', `/${ID}/restore`, { headers }, [path, ifMatch, ifNoneMatch, key]],
  ['DELETE', `/${ID}`, { headers }, [path, ifMatch, ifNoneMatch]],
  ['DELETE', '?titel=', { headers }, [path, parameter, ifMatch, ifNoneMatch]],
  ['GET', '?titel=&cursor=x', {}, [path, parameter, cursor]],
  ['POST', '', { raw: '{', headers: { ...headers, 'content-type': 'application/json' } }, [path, key, json]],
];

onOneDatabase('A request', (open) => {
  for (const [method, rest, request, violations] of REQUESTS) {
    test(`is told of everything that is wrong with it: ${method} …${rest} ${JSON.stringify(request)}`, async () => {
      const { refuse } = open();
      const root = '/api/%07/tasks';
      const answer = await refuse(method, root + rest, request);
      expect(answer).toEqual(invalidInput((root + rest).replace(/\?.*/, ''), violations));
    });
  }

  test('of a list is told of a cursor of another list, whatever else is wrong', async () => {
    const { call, refuse, root, create } = open();
    await create();
    await create();
    const { next = '' } = linksOf((await call('GET', `${root}?limit=1`)).headers);
    const limit: Violation = {
      in: 'query',
      pointer: 'limit',
      detail: 'must be an integer from 1 to 200 in plain decimal, given once',
    };
    const other = withParameter(withParameter(next, 'limit', '0'), 'q', 'milk');
    expect(await refuse('GET', other)).toEqual(invalidInput(root, [limit, cursor]));
    // It is of this list.
    expect(await refuse('GET', withParameter(next, 'limit', '0'))).toEqual(invalidInput(root, [limit]));
  });

  test('of a list is not told of a cursor that may be of the list that was meant', async () => {
    const { call, refuse, root, create } = open();
    await create();
    await create();
    const { next = '' } = linksOf((await call('GET', `${root}?limit=1&sort=title`)).headers);
    const misspelt = next.replace('sort=title', 'sort=titel');
    const answer = await refuse<{ errors: Violation[] }>('GET', misspelt);
    expect(answer.body.errors.map(({ pointer }) => pointer)).toEqual(['sort']);
  });
});
