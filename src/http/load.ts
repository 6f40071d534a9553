export type Load = ReturnType<typeof createLoad>;

/** Counts the requests that are being worked on. */
export function createLoad(max: number) {
  let count = 0;
  return {
    /** Requests being worked on now. */
    count: () => count,
    enter(): void {
      count += 1;
    },
    leave(): void {
      count -= 1;
    },
    isTooMuch: () => count > max,
    /** A wait for the client, which is no work: one who sends slowly takes nobody's place. */
    async whileWaiting<T>(wait: Promise<T>): Promise<T> {
      count -= 1;
      try {
        return await wait;
      } finally {
        count += 1;
      }
    },
  };
}
