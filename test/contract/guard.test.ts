/** How statements take turns: what no database of a test can be slow enough for at the right moment. */
import { expect, test } from 'bun:test';
import { createGuard } from '../../src/db/guard.ts';
import { DatabaseUnavailable } from '../../src/errors.ts';

const TIMEOUT_MS = 1000;

/** Two statements at once; a test answers them. */
function openGuard() {
  const guard = createGuard({ timeoutMs: TIMEOUT_MS, atOnce: 2 });
  const sent: { name: string; answer: PromiseWithResolvers<string> }[] = [];
  const send = (name: string) => () => {
    const answer = Promise.withResolvers<string>();
    sent.push({ name, answer });
    return answer.promise;
  };
  return {
    guard,
    sent,
    names: () => sent.map(({ name }) => name).join(),
    write: (name: string) => guard.write(send(name)),
  };
}

test('Statements are sent in their order, each as soon as one before it has ended, however that did', async () => {
  const { guard, sent, names, write } = openGuard();
  const written = ['a', 'b', 'c', 'd', 'e'].map(write);
  expect(names()).toBe('a,b');
  sent[1]?.answer.resolve('B');
  expect(await written[1]).toBe('B');
  expect(names()).toBe('a,b,c');
  sent[0]?.answer.reject(new Error('refused'));
  expect(written[0]).rejects.toThrow('refused');
  sent[2]?.answer.resolve('C');
  expect(await written[2]).toBe('C');
  expect(names()).toBe('a,b,c,d,e');
  expect(guard.stats.inFlight).toBe(2);
  for (const { answer } of sent) answer.resolve('');
  await Promise.allSettled(written);
  expect(guard.stats.inFlight).toBe(0);
  expect(await Promise.all([write('f'), sent.at(-1)?.answer.resolve('F')])).toEqual(['F', undefined]);
});

test('What waited for its turn until its time was up is never sent, and what came later has its turn', async () => {
  const { guard, sent, names, write } = openGuard();
  const early = ['a', 'b', 'c', 'd'].map(write);
  await Bun.sleep(TIMEOUT_MS / 2);
  const late = ['e', 'f', 'g'].map(write);
  for (const { status } of await Promise.allSettled(early)) expect(status).toBe('rejected');
  expect(early[2]).rejects.toBeInstanceOf(DatabaseUnavailable);
  expect(names()).toBe('a,b,e,f');
  sent[2]?.answer.resolve('E');
  expect(await late[0]).toBe('E');
  expect(names()).toBe('a,b,e,f,g');
  // The answers that nobody waits for any more free no place a second time.
  sent[0]?.answer.resolve('A');
  sent[1]?.answer.resolve('B');
  const last = write('h');
  await Bun.sleep(0);
  expect(names()).toBe('a,b,e,f,g');
  for (const { answer } of sent) answer.resolve('');
  await Promise.all(late);
  sent.at(-1)?.answer.resolve('H');
  expect(await last).toBe('H');
  expect(guard.stats.inFlight).toBe(0);
});
