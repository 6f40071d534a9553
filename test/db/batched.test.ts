/** Requests that share a statement: what no request of a test can time well enough. */
import { expect, test } from 'bun:test';
import { batchedReads, batchedWrites } from '../../src/db/batched.ts';
import { DatabaseUnavailable } from '../../src/errors.ts';

/** Reads whose statements a test answers in its own time. */
function openReads() {
  const statements: { keys: string[]; answer: PromiseWithResolvers<string[]> }[] = [];
  const read = batchedReads(
    (keys: string[]) => {
      const answer = Promise.withResolvers<string[]>();
      statements.push({ keys, answer });
      return answer.promise;
    },
    (name) => name.toLowerCase(),
  );
  return { read, statements, turn: () => new Promise((resolve) => setImmediate(resolve)) };
}

test('A read that comes in while a statement is on its way gets one of its own, never an answer from before', async () => {
  const { read, statements, turn } = openReads();
  const first = read('a');
  await turn();
  const second = read('a');
  await turn();
  expect(statements.map(({ keys }) => keys)).toEqual([['a'], ['a']]);
  statements[1]?.answer.resolve(['A']);
  expect(await second).toBe('A');
  statements[0]?.answer.resolve([]);
  expect(await first).toBeUndefined();
});

test('When a statement fails, so do all of its reads, and no others', async () => {
  const { read, statements, turn } = openReads();
  const failing = [read('a'), read('b')];
  await turn();
  const other = read('c');
  await turn();
  statements[0]?.answer.reject(new Error('connection lost'));
  statements[1]?.answer.resolve(['C']);
  for (const { status } of await Promise.allSettled(failing)) expect(status).toBe('rejected');
  expect(await other).toBe('C');
});

test('The 65th read of a turn does not wait for the statement of the first 64', async () => {
  const { read, statements, turn } = openReads();
  const keys = Array.from({ length: 65 }, (_, n) => `key ${n}`);
  const reads = keys.map(read);
  await turn();
  expect(statements.map((statement) => statement.keys)).toEqual([keys.slice(0, 64), keys.slice(64)]);
  statements[1]?.answer.resolve(['KEY 64']);
  expect(await reads[64]).toBe('KEY 64');
  statements[0]?.answer.resolve([]);
  expect(await Promise.all(reads.slice(0, 64))).toEqual(Array(64).fill(undefined));
});

/** Writes of names, each of which yields the name in capitals, and the statements that they came to. */
function openWrites(writeAll: (names: string[]) => Promise<string[]>) {
  const statements: string[] = [];
  const write = batchedWrites(
    (names: string[]) => {
      statements.push(names.join(' '));
      return writeAll(names);
    },
    async (name) => {
      statements.push(name);
      if (name.startsWith('bad')) throw new Error(name);
      return name.startsWith('idle') ? undefined : name.toUpperCase();
    },
    (name) => name.toLowerCase(),
  );
  return { write, statements };
}

const all = async (names: string[]) => names.map((name) => name.toUpperCase());

test('A write that comes alone goes alone, and two in two turns as well', async () => {
  const { write, statements } = openWrites(all);
  expect(await write('a')).toBe('A');
  expect(await write('b')).toBe('B');
  expect(statements).toEqual(['a', 'b']);
});

test('Writes of one turn go together, but only the first of each name; the others come after it', async () => {
  const { write, statements } = openWrites(all);
  expect(await Promise.all(['a', 'b', 'A', 'c', 'a'].map(write))).toEqual(['A', 'B', 'A', 'C', 'A']);
  expect(statements).toEqual(['a b c', 'A', 'a']);
});

test('Writes of one name go alone, in their order', async () => {
  const { write, statements } = openWrites(all);
  expect(await Promise.all(['a', 'A', 'a'].map(write))).toEqual(['A', 'A', 'A']);
  expect(statements).toEqual(['a', 'A', 'a']);
});

test('What was not written together is written alone, and that decides', async () => {
  const { write, statements } = openWrites(async () => ['B']);
  const [a, b, idle, bad] = await Promise.allSettled(['a', 'b', 'idle', 'bad'].map(write));
  expect([a, b, idle]).toMatchObject([{ value: 'A' }, { value: 'B' }, { value: undefined }]);
  expect(bad).toEqual({ status: 'rejected', reason: new Error('bad') });
  expect(statements).toEqual(['a b idle bad', 'a', 'idle', 'bad']);
});

test('When a statement was refused for one of its writes, the others are not', async () => {
  const { write, statements } = openWrites(() =>
    Promise.reject(Object.assign(new Error('constraint'), { code: '23514' })),
  );
  const [a, bad, b] = await Promise.allSettled(['a', 'bad', 'b'].map(write));
  expect([a, b]).toMatchObject([{ value: 'A' }, { value: 'B' }]);
  expect(bad).toEqual({ status: 'rejected', reason: new Error('bad') });
  expect(statements).toEqual(['a bad b', 'a', 'bad', 'b']);
});

test('When a statement failed without a word of PostgreSQL’s, nothing is written again', async () => {
  const failure = new TypeError('in the driver, maybe after the commit');
  const { write, statements } = openWrites(() => Promise.reject(failure));
  expect(await Promise.allSettled(['a', 'b'].map(write))).toMatchObject([{ reason: failure }, { reason: failure }]);
  expect(statements).toEqual(['a b']);
});

test('When the database is unavailable, nobody knows what was written, and nothing is written again', async () => {
  const unavailable = new DatabaseUnavailable(new Error('connection lost'));
  const { write, statements } = openWrites(() => Promise.reject(unavailable));
  const outcomes = await Promise.allSettled(['a', 'b', 'A'].map(write));
  expect(outcomes).toMatchObject([{ reason: unavailable }, { reason: unavailable }, { value: 'A' }]);
  expect(statements).toEqual(['a b', 'A']);
});
