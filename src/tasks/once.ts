/** Kept answers: a write with an Idempotency-Key is done once, and a repeat within 24 hours gets the first answer. */
import { DatabaseUnavailable, KeyReused } from '../errors.ts';
import type { StoredTask } from './fields.ts';
import { type AnswerKey, KeyTaken } from './store/answers.ts';
import type { TaskStore } from './store/store.ts';

interface Dependencies {
  store: TaskStore;
  clock: () => number;
}

/** A task after a write; `replayed` when an earlier request under the same key did it. */
export interface Written {
  task: StoredTask;
  replayed: boolean;
}

export function firstAnswer(task: StoredTask | undefined): Written | undefined {
  return task && { task, replayed: false };
}

/**
 * Runs a write whose statement keeps its answer under the key. A kept answer goes before every other outcome, errors
 * included. Returns undefined when nothing was written and no answer is kept.
 * @throws KeyReused, and what `write` throws
 */
export async function writeOnce(
  dependencies: Dependencies,
  user_id: string,
  key: AnswerKey,
  write: () => Promise<StoredTask | undefined>,
): Promise<Written | undefined> {
  let task: StoredTask | undefined;
  try {
    task = await write();
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error;
    const answer = await findAnswer(dependencies, user_id, key);
    if (answer || error instanceof KeyTaken) return answer;
    throw error;
  }
  return firstAnswer(task) ?? findAnswer(dependencies, user_id, key);
}

/** Keeps the answer to a request that had nothing to change. Returns undefined when another request came in between. */
export async function keepAnswer(
  { store }: Dependencies,
  task: StoredTask,
  key: AnswerKey,
  now: string,
): Promise<Written | undefined> {
  try {
    return (await store.keepAnswer(task, key, now)) ? { task, replayed: false } : undefined;
  } catch (error) {
    if (error instanceof KeyTaken) return undefined;
    throw error;
  }
}

/** The answer kept under the key, unless it has expired. @throws KeyReused */
async function findAnswer(
  { store, clock }: Dependencies,
  user_id: string,
  { key, fingerprint }: AnswerKey,
): Promise<Written | undefined> {
  const answer = await store.findAnswer(user_id, key);
  if (!answer) return undefined;
  const expired = expiry(clock);
  if (answer.created_at < expired) {
    await store.forgetAnswer(user_id, key, expired);
    return undefined;
  }
  if (answer.fingerprint !== fingerprint) throw new KeyReused();
  return { task: answer.task, replayed: true };
}

/** Deletes all answers that have expired. Any number of processes may do so at once. */
export async function purgeAnswers({ store, clock }: Dependencies): Promise<void> {
  const expired = expiry(clock);
  while ((await store.purgeAnswers(expired)) > 0);
}

const LIFETIME_MS = 24 * 60 * 60 * 1000;

/** An answer from before this moment has expired. */
function expiry(clock: () => number): string {
  return new Date(clock() - LIFETIME_MS).toISOString();
}

/** More than any real run of bad luck: each attempt lost is another request's write that succeeded. */
const ATTEMPTS = 20;

/** Attempts something until it returns a value. @throws DatabaseUnavailable when other requests always come in between */
export function attemptUntilDone<T>(attempt: () => Promise<T | undefined>, attempts = ATTEMPTS): Promise<T> {
  if (attempts === 0)
    return Promise.reject(new DatabaseUnavailable(new Error(`Other requests came in between ${ATTEMPTS} times.`)));
  return attempt().then((value) => value ?? attemptUntilDone(attempt, attempts - 1));
}
