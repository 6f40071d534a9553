/** What the contract says of answers that a failing database, or too many requests, lead to. */
import { expect } from 'bun:test';
import type { Reply } from './connection.ts';
import type { Stored } from './faulty-database.ts';
import type { Account } from './load.ts';

const PROBLEMS = {
  unavailable: { title: 'The database cannot be reached', detail: 'The database cannot be reached.' },
  overloaded: { title: 'Too many requests at once', detail: 'Too many requests at once.' },
  stopping: { title: 'The service is about to stop', detail: 'This process is about to end.' },
};

/** The answer is a whole problem document that says when to come again, and nothing of what went wrong inside. */
export function expectRefusal(kind: keyof typeof PROBLEMS, { status, headers, body }: Reply): void {
  expect({ status, retry: headers['retry-after'], type: headers['content-type'], body: JSON.parse(body) }).toEqual({
    status: 503,
    retry: '1',
    type: 'application/problem+json',
    body: {
      type: `urn:problem-type:todo-api:${kind}`,
      ...PROBLEMS[kind],
      status: 503,
      instance: expect.stringMatching(/^\//),
      request_id: headers['x-request-id'],
    },
  });
}

/**
 * No write that succeeded is lost, none that failed was done more than once, and each took the next revision of its
 * user. Whatever failed was refused in the words of the contract, and no request went unanswered.
 */
export function expectSound(accounts: Account[], stored: Stored): void {
  const created = accounts.flatMap((account) => account.created);
  const uncertain = new Set(accounts.flatMap((account) => account.uncertain));
  const titles = stored.titles.toSorted();
  expect(titles.filter((title) => !uncertain.has(title))).toEqual(created.toSorted());
  expect(titles).toEqual([...new Set(titles)]);
  for (const { user, writes, failedWrites, failedReads, unanswered } of accounts) {
    const revision = stored.revisions.get(user) ?? 0;
    expect(revision).toBeGreaterThanOrEqual(writes);
    expect(revision).toBeLessThanOrEqual(writes + failedWrites.length);
    expect(unanswered).toBe(0);
    for (const reply of [...failedWrites, ...failedReads]) expectRefusal('unavailable', reply);
  }
}
