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
