/** How statements take turns: what no database of a test can be slow enough for at the right moment. */
import { afterEach, expect, mock, spyOn, test } from 'bun:test';
import { createStatementQueue } from '../../src/db/statement-queue.ts';
import { DatabaseUnavailable } from '../../src/errors.ts';

/** The guard looks for what is late every 50 ms, and ends what would be late before it looks again. */
const TIMEOUT_MS = 1000;
/** When a test begins, in milliseconds since the process did. */
const START = 5000;

/** Two statements at once; a test answers them, and lets the time pass. */
function openGuard() {
  let now = START;
  let look = () => {};
  spyOn(performance, 'now').mockImplementation(() => now);
  spyOn(globalThis, 'setInterval').mockImplementation(((callback: () => void) => {
    look = callback;
    return 1;
  }) as never);
  spyOn(globalThis, 'clearInterval').mockImplementation(() => {
    look = () => {};
  });
  const log: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<string>>();
  const guard = createStatementQueue({ timeoutMs: TIMEOUT_MS, concurrency: 2, onStall: () => log.push('reconnect') });
  return {
    guard,
    /** What was sent, in its order. */
    log,
    write: (name: string) =>
      guard.write(() => {
        log.push(name);
        const answer = Promise.withResolvers<string>();
        answers.set(name, answer);
        return answer.promise;
      }),
    answer: (name: string) => answers.get(name)?.resolve(name.toUpperCase()),
    refuse: (name: string) => answers.get(name)?.reject(new Error('refused')),
    waitUntil: (ms: number) => {
      now = START + ms;
    },
    look: () => look(),
  };
}

afterEach(() => mock.restore());

test('Statements are sent in their order, each as soon as one before it has ended, however that did', async () => {
  const { guard, log, write, answer, refuse } = openGuard();
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(write);
  expect(log).toEqual(['a', 'b']);
  answer('b');
  expect(await b).toBe('B');
  expect(log).toEqual(['a', 'b', 'c']);
  refuse('a');
  await expect(a as Promise<string>).rejects.toThrow('refused');
  answer('c');
  expect(await c).toBe('C');
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(guard.stats.inFlight).toBe(2);
  answer('d');
  answer('e');
  await Promise.all([d, e]);
  expect(guard.stats.inFlight).toBe(0);
  const f = write('f');
  answer('f');
  expect(await f).toBe('F');
});

test('A statement that cannot even be sent fails alone, and leaves its place to the next', async () => {
  const { guard, write, answer } = openGuard();
  const [a, b] = ['a', 'b'].map(write);
  const broken = guard.write(() => {
    throw new TypeError('no value for a parameter');
  });
  const c = write('c');
  answer('a');
  expect(await a).toBe('A');
  await expect(broken).rejects.toThrow('no value for a parameter');
  answer('b');
  answer('c');
  expect(await Promise.all([b, c])).toEqual(['B', 'C']);
  expect(guard.stats.inFlight).toBe(0);
});

test('What waited for its turn until its time was up is never sent, and what came later has its turn', async () => {
  const { guard, log, write, answer, waitUntil, look } = openGuard();
  const early = ['a', 'b', 'c', 'd'].map(write);
  waitUntil(500);
  const [e, f, g] = ['e', 'f', 'g'].map(write);
  waitUntil(900);
  look();
  expect(guard.stats.inFlight).toBe(7);
  waitUntil(950);
  look();
  for (const outcome of await Promise.allSettled(early))
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(DatabaseUnavailable) });
  expect(log).toEqual(['a', 'b', 'reconnect', 'e', 'f']);
  answer('e');
  expect(await e).toBe('E');
  expect(log).toEqual(['a', 'b', 'reconnect', 'e', 'f', 'g']);
  // The answers that nobody waits for any more free no place a second time.
  answer('a');
  answer('b');
  const h = write('h');
  await Bun.sleep(0);
  expect(log.at(-1)).toBe('g');
  answer('f');
  answer('g');
  await Promise.all([f, g]);
  answer('h');
  expect(await h).toBe('H');
  expect(guard.stats.inFlight).toBe(0);
});

test('What is too late for its turn is passed over, and nothing is sent twice', async () => {
  const { guard, log, write, answer, waitUntil, look } = openGuard();
  const [a, b, late] = ['a', 'b', 'late'].map(write);
  waitUntil(960);
  answer('a');
  await a;
  const [c, d] = ['c', 'd'].map(write);
  answer('b');
  await b;
  look();
  await expect(late as Promise<string>).rejects.toBeInstanceOf(DatabaseUnavailable);
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  const [e, f] = ['e', 'f'].map(write);
  for (const name of ['c', 'd', 'e', 'f']) {
    answer(name);
    await Bun.sleep(0);
  }
  expect(await Promise.all([c, d, e, f])).toEqual(['C', 'D', 'E', 'F']);
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
  expect(guard.stats.inFlight).toBe(0);
});

test('When the database has gone silent, connections are made anew once, before anything more is sent', async () => {
  const { log, write, answer, waitUntil, look } = openGuard();
  const late = ['a', 'b'].map(write);
  waitUntil(500);
  const later = ['c', 'd'].map(write);
  waitUntil(950);
  look();
  await Promise.allSettled(late);
  expect(log).toEqual(['a', 'b', 'reconnect', 'c', 'd']);
  answer('c');
  answer('d');
  expect(await Promise.all(later)).toEqual(['C', 'D']);
});
