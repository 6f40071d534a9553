import { Problem } from './problem.ts';

export type Load = ReturnType<typeof createLoad>;

/** Counts the requests that are being worked on, and lets in no more than `max` at once. */
export function createLoad(max: number) {
  let count = 0;
  let shed = 0;

  const isFull = () => count > max;

  /** @throws Problem 503, before anything was done. */
  function refuse(): never {
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
    /** Whether there are more requests than may be. */
    isFull,
    refuse,
  };
}
