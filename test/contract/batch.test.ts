/** Reads that share a statement: what no request of a test can time well enough. */
import { expect, test } from 'bun:test';
import { batched } from '../../src/db/batch.ts';

/** Reads whose statements a test answers in its own time. */
function openReads() {
  const statements: { keys: string[]; answer: PromiseWithResolvers<string[]> }[] = [];
  const read = batched(
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
