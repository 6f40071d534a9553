/** The statements of kept answers: the first answer to each request that carried an Idempotency-Key. */
import { and, eq, lt, type WithSubquery } from 'drizzle-orm';
import type { WithSubqueryWithSelection } from 'drizzle-orm/pg-core';
import type { Database } from '../../db/database.ts';
import type { Drizzle } from '../../db/driver.ts';
import { isDuplicate, postgresError } from '../../db/driver-errors.ts';
import { parameter, rowAsJson, rowIsIn, typedParameter } from '../../db/expressions.ts';
import { idempotencyKeys, taskColumns, tasks } from '../../db/schema.ts';
import { type StoredTask, type TaskRow, toStoredTask } from '../fields.ts';
import { thisTask } from './conditions.ts';

/** The caller's key, and a digest of what the request asks for. */
export interface AnswerKey {
  key: string;
  fingerprint: string;
}

export interface KeptAnswer {
  task: StoredTask;
  fingerprint: string;
  created_at: string;
}

/** The key has an answer already; the whole statement was rolled back. */
export class KeyTaken extends Error {}

/** Every function sends one statement, and rejects with DatabaseUnavailable when the database cannot answer. */
export function createAnswers({ db, read, write, writeOnce }: Database) {
  const thisAnswer = and(eq(idempotencyKeys.user_id, parameter('user_id')), eq(idempotencyKeys.key, parameter('key')));
  const isExpired = lt(idempotencyKeys.created_at, parameter('expired'));
  // A pooler that sends reads to replicas sends none there that locks a row.
  const find = db.select().from(idempotencyKeys).where(thisAnswer).for('key share').prepare('find_answer');
  const keep = prepareKeep(db);
  const forget = db.delete(idempotencyKeys).where(and(thisAnswer, isExpired)).prepare('forget_answer');
  const purge = preparePurge(db);

  return {
    async findAnswer(user_id: string, key: string): Promise<KeptAnswer | undefined> {
      const [answer] = await read(() => find.execute({ user_id, key }));
      return answer && { ...answer, task: toStoredTask(answer.task as TaskRow) };
    },

    /**
     * Keeps a task as the answer, if it still has this revision. Returns whether it had.
     * @throws KeyTaken
     */
    async keepAnswer(task: StoredTask, { key, fingerprint }: AnswerKey, updated_at: string): Promise<boolean> {
      const { user_id, id, revision } = task;
      const kept = await writeOnce(() => keep.execute({ user_id, id, revision, key, fingerprint, updated_at })).catch(
        throwKeyTaken,
      );
      return kept.length > 0;
    },

    /** Deletes the answer if it is from before `expired`. */
    async forgetAnswer(user_id: string, key: string, expired: string): Promise<void> {
      await write(() => forget.execute({ user_id, key, expired }));
    },

    /** Deletes up to 1,000 answers from before `expired`, and none that another process is deleting. Returns how many. */
    async purgeAnswers(expired: string): Promise<number> {
      return (await write(() => purge.execute({ expired }))).length;
    },
  };
}

/**
 * For the error of a statement that keeps an answer: the id of a new task aside, it can break no unique constraint but
 * that of the key.
 * @throws KeyTaken for a key that is taken, else the error itself
 */
export function throwKeyTaken(error: unknown): never {
  const isOfId = postgresError(error)?.constraint === 'tasks_pkey';
  throw isDuplicate(error) && !isOfId ? new KeyTaken('The key has an answer.', { cause: error }) : error;
}

/** Keeps the written task as the answer under the key; a key that is taken fails the whole statement. */
export function keepingAnswer(db: Drizzle, written: WithSubqueryWithSelection<typeof taskColumns, 'written'>) {
  return db.$with('kept').as(
    db
      .insert(idempotencyKeys)
      .select(db.select(answerOf(written)).from(written))
      .returning({ key: idempotencyKeys.key }),
  );
}

/** The row of an answer: the task as a write left it. */
function answerOf(task: WithSubquery) {
  return {
    user_id: typedParameter<string>('user_id', 'text').as('user_id'),
    key: typedParameter<string>('key', 'text').as('key'),
    fingerprint: typedParameter<string>('fingerprint', 'text').as('fingerprint'),
    task: rowAsJson<unknown>(task).as('task'),
    created_at: typedParameter<string>('updated_at', 'timestamptz').as('created_at'),
  };
}

/** Keeps the task as the answer to a request that had nothing to change, if it still has that revision. */
function prepareKeep(db: Drizzle) {
  const asItWas = and(thisTask, eq(tasks.revision, parameter('revision')));
  const current = db.$with('current').as(db.select(taskColumns).from(tasks).where(asItWas));
  return db
    .with(current)
    .insert(idempotencyKeys)
    .select(db.select(answerOf(current)).from(current))
    .returning({ key: idempotencyKeys.key })
    .prepare('keep_answer');
}

function preparePurge(db: Drizzle) {
  const { user_id, key, created_at } = idempotencyKeys;
  const expired = db
    .select({ user_id, key })
    .from(idempotencyKeys)
    .where(lt(created_at, parameter('expired')))
    .limit(1000)
    .for('update', { skipLocked: true });
  return db
    .delete(idempotencyKeys)
    .where(rowIsIn([user_id, key], expired))
    .returning({ key })
    .prepare('purge_answers');
}
