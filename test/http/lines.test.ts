/** The lines of users by themselves: what no request of a test can time well enough. */
import { expect, test } from 'bun:test';
import { createUserLines } from '../../src/http/lines.ts';
import { Problem } from '../../src/http/problems.ts';

/** Two at once and two that wait. */
const OPTIONS = { poolSize: 10, maxInFlight: 8, timeoutMs: 3_600_000 };

/** Writes of users that a test ends in its own time; `started` has them in the order of their starts. */
function openWrites(options: Partial<typeof OPTIONS> = {}) {
  const { writes } = createUserLines({ ...OPTIONS, ...options });
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const write = (user: string, name: string, signal?: AbortSignal) =>
    writes.inTurn(user, new Request('http://localhost', signal && { signal }), () => {
      started.push(name);
      const end = Promise.withResolvers<string>();
      ends.set(name, end);
      return end.promise;
    });
  const end = async (name: string) => {
    ends.get(name)?.resolve(name);
    await turn();
  };
  return { write, started, end, fail: (name: string) => ends.get(name)?.reject(new Error(name)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What became of something that is refused, as a client sees it. */
async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return error instanceof Problem ? { kind: error.kind, detail: error.detail, ...error.extra } : error;
}

const REFUSAL = {
  kind: 'too-many-requests',
  detail: 'Too many requests of this user are waiting; this one did nothing.',
  headers: { 'retry-after': '1' },
};

test('Of one user two requests run at once, and the others start in the order in which they came', async () => {
  const { write, started, end } = openWrites();
  const answers = Promise.all(['1', '2', '3', '4'].map((name) => write('ada', name)));
  expect(started).toEqual(['1', '2']);
  await end('2');
  expect(started).toEqual(['1', '2', '3']);
  await end('3');
  expect(started).toEqual(['1', '2', '3', '4']);
  await end('1');
  await end('4');
  expect(await answers).toEqual(['1', '2', '3', '4']);
});

test('A user waits for nobody else', async () => {
  const { write, started, end } = openWrites();
  const waiting = ['1', '2', '3', '4'].map((name) => write('ada', name));
  const other = write('bob', 'his');
  expect(started).toEqual(['1', '2', 'his']);
  await end('his');
  expect(await other).toBe('his');
  for (const name of ['1', '2', '3', '4']) await end(name);
  await Promise.all(waiting);
});

test('A request that finds the line full is refused, and those in it are not', async () => {
  const { write, started, end } = openWrites();
  const waiting = ['1', '2', '3', '4'].map((name) => write('ada', name));
  expect(await refusalOf(write('ada', '5'))).toEqual(REFUSAL);
  await end('1');
  const late = write('ada', '6');
  for (const name of ['2', '3', '4', '6']) await end(name);
  expect(await Promise.all([...waiting, late])).toEqual(['1', '2', '3', '4', '6']);
  expect(started).toEqual(['1', '2', '3', '4', '6']);
});

test('A request that fails makes way for the next', async () => {
  const { write, started, end, fail } = openWrites();
  const failing = ['1', '2'].map((name) => write('ada', name));
  const next = ['3', '4'].map((name) => write('ada', name));
  fail('1');
  fail('2');
  for (const { status } of await Promise.allSettled(failing)) expect(status).toBe('rejected');
  expect(started).toEqual(['1', '2', '3', '4']);
  await end('3');
  await end('4');
  expect(await Promise.all(next)).toEqual(['3', '4']);
});

test('A client that goes away leaves the line, and its request is not done', async () => {
  const { write, started, end } = openWrites();
  const running = ['1', '2'].map((name) => write('ada', name));
  const client = new AbortController();
  const gone = refusalOf(write('ada', '3', client.signal));
  const next = write('ada', '4');
  client.abort();
  expect(await gone).toEqual(REFUSAL);
  expect(await refusalOf(write('ada', '3', client.signal))).toEqual(REFUSAL);
  const last = write('ada', '5');
  for (const name of ['1', '2', '4', '5']) await end(name);
  expect(await Promise.all([...running, next, last])).toEqual(['1', '2', '4', '5']);
  expect(started).toEqual(['1', '2', '4', '5']);
});

test('A client that goes away once its request has begun takes no place with it', async () => {
  const { write, started, end } = openWrites();
  const running = ['1', '2'].map((name) => write('ada', name));
  const client = new AbortController();
  const begun = write('ada', '3', client.signal);
  await end('1');
  client.abort();
  const next = ['4', '5'].map((name) => write('ada', name));
  expect(started).toEqual(['1', '2', '3']);
  for (const name of ['2', '3', '4', '5']) await end(name);
  expect(await Promise.all([...running, begun, ...next])).toEqual(['1', '2', '3', '4', '5']);
});

test('A request whose turn does not come in time leaves the line, and is not done', async () => {
  const { write, started, end } = openWrites({ timeoutMs: 20 });
  const running = ['1', '2'].map((name) => write('ada', name));
  const late = ['3', '4'].map((name) => refusalOf(write('ada', name)));
  expect(await Promise.all(late)).toEqual([REFUSAL, REFUSAL]);
  const next = write('ada', '5');
  await end('1');
  await end('2');
  await end('5');
  expect(await Promise.all([...running, next])).toEqual(['1', '2', '5']);
  expect(started).toEqual(['1', '2', '5']);
});

test('Where there are few connections one request of a user runs at once', async () => {
  const { write, started, end } = openWrites({ poolSize: 5 });
  const both = ['1', '2'].map((name) => write('ada', name));
  expect(started).toEqual(['1']);
  await end('1');
  await end('2');
  expect(await Promise.all(both)).toEqual(['1', '2']);
});
