import { Problem } from './problem.ts';

export type Load = ReturnType<typeof createLoad>;

/** Counts the requests that are being worked on, and lets in no more than `max` at once. */
export function createLoad(max: number) {
  let count = 0;
  let shed = 0;

  /** @throws Problem 503, before anything was done, when there are too many. */
  function admit(): void {
    if (count <= max) return;
    shed += 1;
    throw new Problem('overloaded', 'Too many requests at once.', { headers: { 'retry-after': '1' } });
  }

  return {
    /** Requests being worked on now. */
    count: () => count,
    /** Requests refused so far. */
    shed: () => shed,
    enter(): void {
      count += 1;
    },
    leave(): void {
      count -= 1;
    },
    admit,
    /** A wait for the client, which is no work: one who sends slowly takes nobody's place, and has none kept. */
    async whileWaiting<T>(wait: Promise<T>): Promise<T> {
      count -= 1;
      const value = await wait.finally(() => {
        count += 1;
      });
      admit();
      return value;
    },
  };
}
