import { Problem } from './problems.ts';

export type Admission = ReturnType<typeof createAdmission>;

/** A request, as far as admission is concerned. */
export interface Admitted {
  admitted?: boolean;
}

/** Lets in at most `max` requests at once and counts those that were refused. */
export function createAdmission(max: number) {
  let count = 0;
  let shed = 0;

  /** @throws Problem 503 while `max` requests are being worked on */
  function refuseIfFull(): void {
    if (count < max) return;
    shed += 1;
    throw new Problem('overloaded', 'Too many requests at once.', { headers: { 'retry-after': '1' } });
  }

  return {
    /** Requests being worked on now. */
    count: () => count,
    /** Requests refused so far. */
    shed: () => shed,
    refuseIfFull,
    /** Counts a request from here on: its body has arrived, so it waits for no client. @throws Problem 503 */
    admit(request: Admitted): void {
      refuseIfFull();
      request.admitted = true;
      count += 1;
    },
    /** Ends the count of a request that was admitted. */
    release(): void {
      count -= 1;
    },
  };
}
