/** How statements take turns: what no database of a test can be slow enough for at the right moment. */
import { afterEach, describe, expect, mock, spyOn, test } from 'bun:test';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { createStatementQueue } from '../../src/db/statement-queue.ts';
import { DatabaseReadOnly, DatabaseUnavailable } from '../../src/errors.ts';

/** The guard looks for what is late every 50 ms, and ends what would be late before it looks again. */
const TIMEOUT_MS = 1000;
/** When a test begins, in milliseconds since the process did. */
const START = 5000;

/** The connection broke while the statement was under way, or could not be made; or PostgreSQL refused the statement. */
const LOST = new DrizzleQueryError('', [], new Error('Connection closed'));
const NOT_CONNECTED = new DrizzleQueryError('', [], Object.assign(new Error(), { code: 'ECONNREFUSED' }));
const READ_ONLY = new DrizzleQueryError('', [], Object.assign(new Error('read-only'), { code: '25006' }));
const REFUSED = new DrizzleQueryError('', [], Object.assign(new Error('duplicate key'), { code: '23505' }));

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
  /** What waits to be sent once more. */
  const retries: { send: () => void; delay: number }[] = [];
  spyOn(globalThis, 'setTimeout').mockImplementation(((send: () => void, delay: number) => {
    retries.push({ send, delay });
  }) as never);
  const log: string[] = [];
  const answers = new Map<string, PromiseWithResolvers<string>>();
  const sent: PromiseWithResolvers<string>[] = [];
  const guard = createStatementQueue({ timeoutMs: TIMEOUT_MS, concurrency: 2, reconnect: () => log.push('reconnect') });
  const send = (name: string) => {
    log.push(name);
    const answer = Promise.withResolvers<string>();
    answers.set(name, answer);
    sent.push(answer);
    return answer.promise;
  };
  return {
    guard,
    /** What was sent, in its order. */
    log,
    /** The answers to what was sent, in the same order. */
    sent,
    retries,
    read: (name: string) => guard.read(() => send(name)),
    write: (name: string) => guard.write(() => send(name)),
    writeOnce: (name: string) => guard.writeOnce(() => send(name)),
    answer: (name: string) => answers.get(name)?.resolve(name.toUpperCase()),
    /** Resolves once the queue has heard of it. */
    refuse: (name: string, error: Error = new Error('refused')) => {
      answers.get(name)?.reject(error);
      return Bun.sleep(0);
    },
    waitUntil: (ms: number) => {
      now = START + ms;
    },
    look: () => look(),
  };
}

/** Unlike `rejects`, it lets a test end that waits in vain. */
function failureOf(answer: Promise<string> | undefined): Promise<unknown> {
  return Promise.resolve(answer).then(
    () => undefined,
    (error: unknown) => error,
  );
}

afterEach(() => mock.restore());

test('Statements are sent in their order, each as soon as one before it has ended, however that did', async () => {
  const { guard, log, write, answer, refuse } = openGuard();
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(write);
  expect(log).toEqual(['a', 'b']);
  answer('b');
  expect(await b).toBe('B');
  expect(log).toEqual(['a', 'b', 'c']);
  void refuse('a');
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

test('The connections are not made anew when PostgreSQL has refused a statement meanwhile, or answered a late one', async () => {
  const { log, write, answer, refuse, waitUntil, look } = openGuard();
  const [a, b] = ['a', 'b'].map(write);
  waitUntil(500);
  void refuse('b', REFUSED);
  expect(await failureOf(b)).toBe(REFUSED);
  const c = write('c');
  waitUntil(950);
  look();
  expect(await failureOf(a)).toBeInstanceOf(DatabaseUnavailable);
  waitUntil(1400);
  answer('a');
  await Bun.sleep(0);
  waitUntil(1450);
  look();
  expect(await failureOf(c)).toBeInstanceOf(DatabaseUnavailable);
  expect(log).toEqual(['a', 'b', 'c']);
});

test('A connection that broke is no answer', async () => {
  const { log, write, refuse, waitUntil, look } = openGuard();
  const [a, b] = ['a', 'b'].map(write);
  waitUntil(500);
  void refuse('b', LOST);
  expect(await failureOf(b)).toBeInstanceOf(DatabaseUnavailable);
  waitUntil(950);
  look();
  expect(await failureOf(a)).toBeInstanceOf(DatabaseUnavailable);
  expect(log).toEqual(['a', 'b', 'reconnect']);
});

test('A read whose connection broke is sent once more, 50 ms later, and keeps its place meanwhile', async () => {
  const { log, retries, read, answer, refuse } = openGuard();
  const a = read('a');
  await refuse('a', LOST);
  expect(retries.map(({ delay }) => delay)).toEqual([50]);
  void ['b', 'c'].map(read);
  expect(log).toEqual(['a', 'b']);
  retries[0]?.send();
  expect(log).toEqual(['a', 'b', 'a']);
  answer('a');
  expect(await a).toBe('A');
  expect(log).toEqual(['a', 'b', 'a', 'c']);
});

test('A read whose connection breaks twice fails with the cause of the second time', async () => {
  const { guard, log, retries, read, refuse } = openGuard();
  const a = read('a');
  await refuse('a', NOT_CONNECTED);
  retries[0]?.send();
  void refuse('a', LOST);
  expect(await failureOf(a)).toEqual(new DatabaseUnavailable(LOST));
  expect(retries).toHaveLength(1);
  expect(log).toEqual(['a', 'a']);
  expect(guard.stats.inFlight).toBe(0);
});

test('A write is sent once more only when it never reached the database', async () => {
  const { log, retries, write, answer, refuse } = openGuard();
  const [a, b] = ['a', 'b'].map(write);
  void refuse('a', LOST);
  expect(await failureOf(a)).toBeInstanceOf(DatabaseUnavailable);
  expect(retries).toEqual([]);
  await refuse('b', NOT_CONNECTED);
  retries[0]?.send();
  answer('b');
  expect(await b).toBe('B');
  expect(log).toEqual(['a', 'b', 'b']);
});

test('A statement that PostgreSQL refuses is not sent once more, and fails with what PostgreSQL said', async () => {
  const { log, retries, read, write, refuse } = openGuard();
  const [a, b] = [read('a'), write('b')];
  void refuse('a', REFUSED);
  expect(await failureOf(a)).toBe(REFUSED);
  void refuse('b', REFUSED);
  expect(await failureOf(b)).toBe(REFUSED);
  expect(retries).toEqual([]);
  expect(log).toEqual(['a', 'b']);
});

test('A statement whose time is up before it is sent once more is not', async () => {
  const { log, retries, read, refuse, waitUntil, look } = openGuard();
  const a = read('a');
  waitUntil(920);
  await refuse('a', LOST);
  waitUntil(950);
  look();
  expect(await failureOf(a)).toBeInstanceOf(DatabaseUnavailable);
  retries[0]?.send();
  expect(log).toEqual(['a', 'reconnect']);
});

test('A late statement fails with the time that it had', async () => {
  const { write, waitUntil, look } = openGuard();
  const a = write('a');
  waitUntil(950);
  look();
  const error = await failureOf(a);
  expect(error).toBeInstanceOf(DatabaseUnavailable);
  expect((error as DatabaseUnavailable).cause).toEqual(new Error('The database did not answer within 1000 ms.'));
});

test('The duration of a statement includes the wait for its turn, however it ends', async () => {
  const { guard, write, answer, refuse, waitUntil, look } = openGuard();
  const durations: number[] = [];
  guard.stats.observe = (duration) => durations.push(duration);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(write);
  waitUntil(100);
  answer('a');
  await a;
  waitUntil(250);
  void refuse('b', REFUSED);
  expect(await failureOf(b)).toBe(REFUSED);
  waitUntil(300);
  answer('c');
  await c;
  waitUntil(960);
  look();
  expect(await failureOf(d)).toBeInstanceOf(DatabaseUnavailable);
  expect(durations).toEqual([100, 250, 300, 960]);
});

test('The queue looks for late statements every 50 ms, while there are any that could become late', async () => {
  const { write, answer, look } = openGuard();
  const [a, b] = ['a', 'b'].map(write);
  expect(setInterval).toHaveBeenCalledTimes(1);
  expect(setInterval).toHaveBeenCalledWith(expect.any(Function), 50);
  answer('a');
  await a;
  look();
  expect(clearInterval).not.toHaveBeenCalled();
  answer('b');
  await b;
  look();
  expect(clearInterval).toHaveBeenCalledTimes(1);
  expect(clearInterval).toHaveBeenCalledWith(1);
  void write('c');
  expect(setInterval).toHaveBeenCalledTimes(2);
});

describe('Once the connections are older than a statement may take,', () => {
  /** Two connections were made a time-out ago. */
  function openOld() {
    const opened = openGuard();
    opened.waitUntil(1000);
    return opened;
  }

  test('an overdue read is sent on new connections as well, and the first answer counts', async () => {
    for (const first of [true, false]) {
      const { guard, log, read, sent, waitUntil, look } = openOld();
      const a = read('a');
      waitUntil(1099);
      look();
      expect(log).toEqual(['a']);
      waitUntil(1100);
      look();
      look();
      expect(log).toEqual(['a', 'reconnect', 'a']);
      expect(guard.stats.inFlight).toBe(1);
      sent[first ? 0 : 1]?.resolve('A');
      expect(await a).toBe('A');
      sent[first ? 1 : 0]?.resolve('too late');
      await Bun.sleep(0);
      expect(guard.stats.inFlight).toBe(0);
      mock.restore();
    }
  });

  test('an overdue write waits on, but what comes after it is sent on new connections', async () => {
    const { log, read, write, writeOnce, answer, waitUntil, look } = openOld();
    const a = write('a');
    waitUntil(1100);
    look();
    expect(log).toEqual(['a', 'reconnect']);
    answer('a');
    expect(await a).toBe('A');
    // These connections are young, and the statements slow.
    void [read('b'), writeOnce('c')];
    waitUntil(1300);
    look();
    expect(log).toEqual(['a', 'reconnect', 'b', 'c']);
  });

  test('an overdue write that is done only once is sent again', async () => {
    const { log, writeOnce, answer, waitUntil, look } = openOld();
    const a = writeOnce('a');
    waitUntil(1100);
    look();
    expect(log).toEqual(['a', 'reconnect', 'a']);
    answer('a');
    expect(await a).toBe('A');
  });

  test('those that are overdue together have the connections made anew once', async () => {
    const { log, read, waitUntil, look } = openOld();
    void ['a', 'b', 'c'].map(read);
    waitUntil(1100);
    look();
    expect(log).toEqual(['a', 'b', 'reconnect', 'a', 'b']);
  });

  test('a read fails only when neither of its connections answers, and PostgreSQL has the last word', async () => {
    const { read, sent, retries, waitUntil, look } = openOld();
    const [a, b] = ['a', 'b'].map(read);
    waitUntil(1100);
    look();
    sent[0]?.reject(LOST);
    sent[1]?.reject(REFUSED);
    expect(await failureOf(b)).toBe(REFUSED);
    expect(retries).toHaveLength(0);
    sent[2]?.reject(LOST);
    await Bun.sleep(0);
    // Now it is a read whose connection is lost.
    retries[0]?.send();
    sent[4]?.resolve('A');
    expect(await a).toBe('A');
  });

  test('a read that waits to be sent once more is not sent twice', async () => {
    const { log, read, refuse, waitUntil, look } = openOld();
    void read('a');
    await refuse('a', LOST);
    waitUntil(1100);
    look();
    expect(log).toEqual(['a']);
  });
});

describe('What a read-only connection refused', () => {
  test('is sent once more on new connections', async () => {
    const { log, retries, read, write, answer, refuse, waitUntil } = openGuard();
    waitUntil(1000);
    const [a, b] = [write('a'), read('b')];
    await refuse('a', READ_ONLY);
    await refuse('b', READ_ONLY);
    waitUntil(1050);
    for (const { send } of retries) send();
    expect(log).toEqual(['a', 'b', 'reconnect', 'a', 'b']);
    answer('a');
    answer('b');
    expect(await Promise.all([a, b])).toEqual(['A', 'B']);
  });

  test('fails when it is refused again, or the connections are younger than a second', async () => {
    const { log, retries, write, refuse, waitUntil } = openGuard();
    waitUntil(999);
    const young = write('young');
    void refuse('young', READ_ONLY);
    expect(await failureOf(young)).toEqual(new DatabaseReadOnly(READ_ONLY));
    waitUntil(1000);
    const a = write('a');
    await refuse('a', READ_ONLY);
    waitUntil(1050);
    retries[0]?.send();
    void refuse('a', READ_ONLY);
    expect(await failureOf(a)).toEqual(new DatabaseReadOnly(READ_ONLY));
    expect(log).toEqual(['young', 'a', 'reconnect', 'a']);
  });
});
