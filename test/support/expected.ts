/** Answers as the contract words them, for tests that compare the whole of one. */
import { expect } from 'bun:test';
import type { Violation } from '../../src/errors.ts';
import type { Answer } from './openapi.ts';

const anyRequestId = expect.stringMatching(/^request-\d+$/);

/** On every answer to a request that names no origin. */
const GENERAL = { vary: 'Origin', 'x-content-type-options': 'nosniff', 'x-request-id': anyRequestId };
const ABOUT_TASKS = { ...GENERAL, 'cache-control': 'private, no-cache' };

/** An answer with a task or a list of them. */
export function success(status: 200 | 201, body: unknown, headers: Record<string, string> = {}): Answer {
  return { status, headers: { ...ABOUT_TASKS, 'content-type': 'application/json;charset=utf-8', ...headers }, body };
}

export function noContent(): Answer {
  return { status: 204, headers: ABOUT_TASKS, body: undefined };
}

/** The 400 to a request about tasks with these faults, and no others, in this order. */
export function invalidInput(instance: string, errors: Violation[]): Answer {
  const count = errors.length === 1 ? 'one violation' : `${errors.length} violations`;
  return problem(instance, {
    type: 'invalid-input',
    title: 'The request is not valid',
    status: 400,
    detail: `The request has ${count}; see errors.`,
    errors,
  });
}

/** The 400 to a request with more violations than are told. */
export function tooManyViolations(instance: string, errors: Violation[]) {
  return problem(instance, {
    type: 'invalid-input',
    title: 'The request is not valid',
    status: 400,
    detail: 'The request has more than 100 violations; errors has the first.',
    errors: errors.slice(0, 100),
  });
}

export function taskNotFound(instance: string): Answer {
  return problem(instance, {
    type: 'task-not-found',
    title: 'There is no such task',
    status: 404,
    detail: 'There is no such task.',
  });
}

interface ExpectedProblem {
  /** The end of the type. */
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: Violation[];
}

/** A problem document about tasks. */
export function problem(
  instance: string,
  { type, ...members }: ExpectedProblem,
  headers: Record<string, string> = {},
): Answer {
  return {
    status: members.status,
    headers: { ...ABOUT_TASKS, 'content-type': 'application/problem+json', ...headers },
    body: { type: `urn:problem-type:todo-api:${type}`, ...members, instance, request_id: anyRequestId },
  };
}

export function notModified(etag: unknown): Answer {
  const { headers, body } = noContent();
  return { status: 304, headers: { ...headers, etag: etag as string }, body };
}

/** A list's answer depends on Prefer, also when it was asked for without. */
export const LIST_VARY = 'Origin, Prefer';

export function listNotModified(etag: unknown): Answer {
  const { headers, ...answer } = notModified(etag);
  return { ...answer, headers: { ...headers, vary: LIST_VARY } };
}

/** @param field that was sent: when it has only weak tags, the answer says that these never match */
export function preconditionFailed(instance: string, etag: unknown, field = ''): Answer {
  const isWeak = /^(W\/"[^"]*"[ ,]*)+$/.test(field);
  return problem(
    instance,
    {
      type: 'precondition-failed',
      title: 'The task or the list has changed',
      status: 412,
      detail: isWeak
        ? 'A weak ETag never matches If-Match. Something on the way, such as compression, made it weak: send it without W/.'
        : 'It changed after the revision in the precondition.',
    },
    { etag: etag as string },
  );
}

export function preconditionRequired(instance: string): Answer {
  return problem(instance, {
    type: 'precondition-required',
    title: 'The request must be conditional',
    status: 428,
    detail: 'Send If-Match with the ETag of what is to be changed.',
  });
}

export function malformed(instance: string, header: 'If-Match' | 'If-None-Match'): Answer {
  return invalidInput(instance, [
    { in: 'header', pointer: header, detail: 'must be * or entity tags in double quotes' },
  ]);
}

/** The tag of some list at a state of the user's counter. */
export const listTag = (counter: number) => expect.stringMatching(new RegExp(`^"${counter}\\.\\w{13}"$`));

const REFUSALS = {
  unavailable: { title: 'The database cannot be reached', detail: 'The database cannot be reached.' },
  'read-only': { title: 'The database cannot be reached', detail: 'The database takes no writes at the moment.' },
  overloaded: { title: 'Too many requests at once', detail: 'Too many requests at once.' },
  stopping: { title: 'The service is about to stop', detail: 'This process is about to end.' },
};

/** The answer is a whole problem document that says when to come again, and nothing of what went wrong inside. */
export function expectRefusal(kind: keyof typeof REFUSALS, { status, headers, body }: Answer): void {
  expect({ status, retry: headers['retry-after'], type: headers['content-type'], body }).toEqual({
    status: 503,
    retry: '1',
    type: 'application/problem+json',
    body: {
      type: `urn:problem-type:todo-api:${kind === 'read-only' ? 'unavailable' : kind}`,
      ...REFUSALS[kind],
      status: 503,
      instance: expect.stringMatching(/^\//),
      request_id: headers['x-request-id'],
    },
  });
}
