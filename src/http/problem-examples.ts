/** One answer of each kind for the OpenAPI document, as the service gives it: test/http/problem-examples.test.ts provokes each. */
import type { Violation } from '../errors.ts';
import { Problem, type ProblemName, problemDocument } from './problems.ts';

interface Example {
  instance: string;
  detail: string;
  errors?: Violation[];
}

const LIST = '/api/ada/tasks';
const TASK = `${LIST}/01980a3e-7c00-7000-8000-000000000000`;

const EXAMPLES: Record<ProblemName, Example> = {
  'invalid-input': {
    instance: LIST,
    detail: 'The request has 3 violations; see errors.',
    errors: [
      { in: 'header', pointer: 'Idempotency-Key', detail: 'must be 1 to 255 printable characters' },
      { in: 'body', pointer: '/prioritty', detail: 'unknown field' },
      { in: 'body', pointer: '/completed', detail: 'must be true or false' },
    ],
  },
  'ambiguous-target': {
    instance: '/api/ada//tasks',
    detail:
      'Send one valid Host, and a path without dot segments, empty segments, \\, ;, #, %2F, %5C and bytes that are not UTF-8.',
  },
  'not-found': { instance: '/api/ada', detail: 'There is nothing at this address.' },
  'task-not-found': { instance: TASK, detail: 'There is no such task.' },
  'method-not-allowed': { instance: LIST, detail: 'This address takes POST, GET, DELETE, HEAD, OPTIONS.' },
  'request-timeout': { instance: LIST, detail: 'The connection ended before the body did.' },
  'precondition-failed': { instance: TASK, detail: 'It changed after the revision in the precondition.' },
  'content-too-large': { instance: LIST, detail: 'A body may have up to 262144 bytes.' },
  'unsupported-media-type': { instance: LIST, detail: 'Send a body of type application/json.' },
  misdirected: {
    instance: LIST,
    detail: 'This service does not answer to that host name; see ALLOWED_HOSTS.',
  },
  'key-reused': { instance: LIST, detail: 'This key was used for another request.' },
  'precondition-required': { instance: TASK, detail: 'Send If-Match with the ETag of what is to be changed.' },
  'too-many-requests': {
    instance: TASK,
    detail: 'Too many requests of this user are waiting; this one did nothing.',
  },
  'internal-error': { instance: LIST, detail: 'The log has the cause under the request id.' },
  unavailable: { instance: LIST, detail: 'The database cannot be reached.' },
  overloaded: { instance: LIST, detail: 'Too many requests at once.' },
  stopping: { instance: '/health/ready', detail: 'This process is about to end.' },
};

/** The problem document of the example of a kind. */
export function exampleOf(kind: ProblemName) {
  const { instance, detail, errors } = EXAMPLES[kind];
  return problemDocument(new Problem(kind, detail, errors && { errors }), instance, 'a1b2c3');
}
