/** Everything that can go wrong with a request for a reason the caller can understand. Knows no HTTP. */

/** One thing wrong with a request: `in` says which part, `pointer` (RFC 6901) or name says where in it. */
export interface Fault {
  in: 'body' | 'query' | 'path' | 'header';
  pointer: string;
  detail: string;
}

export class TaskNotFound extends Error {
  override name = 'TaskNotFound';
  constructor() {
    super('There is no such task.');
  }
}

export class InvalidInput extends Error {
  override name = 'InvalidInput';
  constructor(readonly faults: Fault[]) {
    super('The request is not valid.');
  }
}

/** The task, or the list, exists, but in none of the revisions that the caller named. */
export class RevisionMismatch extends Error {
  override name = 'RevisionMismatch';
  constructor(readonly current: number) {
    super('It has changed since the revision that was named.');
  }
}

/** The Idempotency-Key was used for another request in the last 24 hours. */
export class KeyReused extends Error {
  override name = 'KeyReused';
  constructor() {
    super('This key was used for another request.');
  }
}

/** The database cannot be reached, is shutting down, is full, or took too long. The outcome of a write is unknown. */
export class DatabaseUnavailable extends Error {
  override name = 'DatabaseUnavailable';
  constructor(cause: unknown) {
    super('The database cannot be reached.', { cause });
  }
}
