/** Answers to conditional requests. */
import { expect } from 'bun:test';
import { invalidInput, noContent, problem } from './expected.ts';
import type { Answer } from './openapi.ts';

export function notModified(etag: unknown): Answer {
  const { headers, body } = noContent();
  return { status: 304, headers: { ...headers, etag: etag as string }, body };
}

export function preconditionFailed(instance: string, etag: unknown): Answer {
  return problem(
    instance,
    {
      type: 'precondition-failed',
      title: 'The task or the list has changed',
      status: 412,
      detail: 'It changed after the revision in the precondition.',
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
