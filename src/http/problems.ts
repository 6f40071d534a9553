/** Every answer that is not a success: RFC 9457 problem documents, from one table of kinds. */
import { type ErrorKind, InvalidInput, ServiceError, type Violation } from '../errors.ts';

/** The closed set of problems, those of ErrorKind among them. The name ends the `type` URI and never changes; titles may. */
export const PROBLEMS = {
  'invalid-input': { status: 400, title: 'The request is not valid' },
  'ambiguous-target': { status: 400, title: 'The address can be read in more than one way' },
  'not-found': { status: 404, title: 'There is nothing at this address' },
  'task-not-found': { status: 404, title: 'There is no such task' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'precondition-failed': { status: 412, title: 'The task or the list has changed' },
  'content-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  misdirected: { status: 421, title: 'The request is for another host' },
  'key-reused': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'precondition-required': { status: 428, title: 'The request must be conditional' },
  'too-many-requests': { status: 429, title: 'Too many requests of one user at once' },
  'internal-error': { status: 500, title: 'Something went wrong' },
  unavailable: { status: 503, title: 'The database cannot be reached' },
  overloaded: { status: 503, title: 'Too many requests at once' },
  stopping: { status: 503, title: 'The service is about to stop' },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

/** What stands before the name in `type`, unless clients can follow it to `/problems/{name}`. */
export const PROBLEM_TYPE_PREFIX = 'urn:problem-type:todo-api:';

/** What stands before the name in `type` where clients reach the service under `publicUrl`. */
export function typePrefixOf(publicUrl: string | undefined): string {
  return publicUrl === undefined ? PROBLEM_TYPE_PREFIX : `${publicUrl}/problems/`;
}

/** Thrown anywhere in the HTTP layer to answer with a problem document. */
export class Problem extends Error {
  constructor(
    readonly kind: ProblemName,
    readonly detail: string,
    readonly extra: { headers?: Record<string, string>; errors?: Violation[] } = {},
  ) {
    super(detail);
  }
}

/** Maps any error to a problem; unknown errors become an opaque 500. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidInput) return invalidInput(error.violations);
  if (error instanceof ServiceError) return new Problem(error.kind, error.message, HEADERS[error.kind]);
  return new Problem('internal-error', 'The log has the cause under the request id.');
}

const HEADERS: Partial<Record<ErrorKind, { headers: Record<string, string> }>> = {
  unavailable: { headers: { 'retry-after': '1' } },
};

/** More of them help nobody, and a request can have hundreds. */
export const MAX_VIOLATIONS = 100;

export function invalidInput(errors: Violation[]): Problem {
  if (errors.length > MAX_VIOLATIONS)
    return new Problem(
      'invalid-input',
      `The request has more than ${MAX_VIOLATIONS} violations; errors has the first.`,
      {
        errors: errors.slice(0, MAX_VIOLATIONS),
      },
    );
  const count = errors.length === 1 ? 'one violation' : `${errors.length} violations`;
  return new Problem('invalid-input', `The request has ${count}; see errors.`, { errors });
}

/** What a client gets, as one type for each kind, told apart by `type`. */
export type ProblemDocument<Kind extends ProblemName = ProblemName> = Kind extends ProblemName
  ? {
      type: `${typeof PROBLEM_TYPE_PREFIX | `${string}/problems/`}${Kind}`;
      title: string;
      status: (typeof PROBLEMS)[Kind]['status'];
      detail: string;
      instance: string;
      request_id: string;
    } & (Kind extends 'invalid-input' ? { errors: Violation[] } : unknown)
  : never;

/** The document of RFC 9457 for one occurrence: `instance` is the path of the request, as the client sees it. */
export function problemDocument(
  problem: Problem,
  instance: string,
  requestId: string,
  typePrefix: string = PROBLEM_TYPE_PREFIX,
) {
  const { status, title } = PROBLEMS[problem.kind];
  return {
    type: typePrefix + problem.kind,
    title,
    status,
    detail: problem.detail,
    instance,
    request_id: requestId,
    ...(problem.extra.errors && { errors: problem.extra.errors }),
  };
}

export function contentTooLarge(maxBodyBytes: number): Problem {
  // The rest of the body is not read, so the connection cannot carry another request.
  return new Problem('content-too-large', `A body may have up to ${maxBodyBytes} bytes.`, {
    headers: { connection: 'close' },
  });
}
