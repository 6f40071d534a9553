/** Every answer that is not a success: RFC 9457 problem documents, from one table of kinds. */
import { DatabaseUnavailable, type Fault, InvalidInput, KeyReused, RevisionMismatch, TaskNotFound } from '../errors.ts';
import { entityTag } from './conditional.ts';

/** The closed set of problems. The name ends the `type` URI and never changes; titles may. */
export const PROBLEMS = {
  'invalid-input': { status: 400, title: 'The request is not valid' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'task-not-found': { status: 404, title: 'There is no such task' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'precondition-failed': { status: 412, title: 'It has changed' },
  'content-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  misdirected: { status: 421, title: 'The request is for another host' },
  'key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'precondition-required': { status: 428, title: 'The request must be conditional' },
  'internal-error': { status: 500, title: 'Something went wrong here' },
  unavailable: { status: 503, title: 'The database cannot be reached' },
  overloaded: { status: 503, title: 'Too many requests at once' },
  stopping: { status: 503, title: 'The service is about to stop' },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

export const PROBLEM_TYPE_PREFIX = 'urn:problem-type:todo-api:';

/** Thrown anywhere in the HTTP layer to answer with a problem document. */
export class Problem extends Error {
  constructor(
    readonly kind: ProblemName,
    readonly detail: string,
    readonly extra: { headers?: Record<string, string>; errors?: Fault[] } = {},
  ) {
    super(detail);
  }
}

/** The problem that tells of any error whatever; what is not known becomes a 500 that tells nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidInput) return invalidInput(error.faults);
  if (error instanceof TaskNotFound) return new Problem('task-not-found', error.message);
  if (error instanceof RevisionMismatch) return preconditionFailed(error.message, entityTag(error.current));
  if (error instanceof KeyReused) return new Problem('key-reused', error.message);
  if (error instanceof DatabaseUnavailable)
    return new Problem('unavailable', error.message, { headers: { 'retry-after': '1' } });
  return new Problem('internal-error', 'The fault is ours; the request id finds it in the log.');
}

/** 412, with the current ETag so that the client can start over. */
export function preconditionFailed(detail: string, etag: string): Problem {
  return new Problem('precondition-failed', detail, { headers: { etag } });
}

export function invalidInput(errors: Fault[]): Problem {
  const count = errors.length === 1 ? 'is one fault' : `are ${errors.length} faults`;
  return new Problem('invalid-input', `There ${count} in the request; see errors.`, { errors });
}

/** The document of RFC 9457 for one occurrence: `instance` is the path of the request. */
export function problemDocument(problem: Problem, instance: string, requestId: string) {
  const { status, title } = PROBLEMS[problem.kind];
  return {
    type: PROBLEM_TYPE_PREFIX + problem.kind,
    title,
    status,
    detail: problem.detail,
    instance,
    request_id: requestId,
    ...(problem.extra.errors && { errors: problem.extra.errors }),
  };
}

export function contentTooLarge(maxBodyBytes: number): Problem {
  // What is left of the body is not read, so the connection cannot carry another request.
  return new Problem('content-too-large', `A body may have ${maxBodyBytes} bytes.`, {
    headers: { connection: 'close' },
  });
}
