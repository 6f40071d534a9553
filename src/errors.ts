/** Everything that can go wrong for a reason the caller can understand, by kind. Knows no HTTP. */

/** Whoever starts or runs the service can mend this: the message says what is wrong and what to do. */
export class OperatorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** Names one kind of failure; http/problems.ts has the problem that a client gets for it. */
export type ErrorKind = 'invalid-input' | 'task-not-found' | 'precondition-failed' | 'key-reused' | 'unavailable';

export class ServiceError extends Error {
  constructor(
    readonly kind: ErrorKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** One thing wrong with a request: `in` names the part, `pointer` (RFC 6901, or a parameter's name) the place in it. */
export interface Violation {
  in: 'body' | 'query' | 'path' | 'header';
  pointer: string;
  detail: string;
}

export class InvalidInput extends ServiceError {
  constructor(readonly violations: Violation[]) {
    super('invalid-input', 'The request is not valid.');
  }
}

export class TaskNotFound extends ServiceError {
  constructor() {
    super('task-not-found', 'There is no such task.');
  }
}

/** The task or the list exists, but its revision fails the precondition. */
export class RevisionMismatch extends ServiceError {
  constructor(readonly current: number) {
    super('precondition-failed', 'It changed after the revision in the precondition.');
  }
}

/** The Idempotency-Key was used for another request in the last 24 hours. */
export class KeyReused extends ServiceError {
  constructor() {
    super('key-reused', 'This key was used for another request.');
  }
}

/** The database cannot be reached, is shutting down, is full, or took too long. The outcome of a write is unknown. */
export class DatabaseUnavailable extends ServiceError {
  constructor(cause: unknown, message = 'The database cannot be reached.') {
    super('unavailable', message, { cause });
  }
}

/** The database serves reads only; nothing was written. */
export class DatabaseReadOnly extends DatabaseUnavailable {
  constructor(cause?: unknown) {
    super(cause, 'The database takes no writes at the moment.');
  }
}
