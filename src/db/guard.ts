/** Runs statements so that none waits for ever: a time limit, one more try where that is safe, one kind of failure. */
import { DatabaseUnavailable } from '../errors.ts';
import { isUnavailable, wasNeverSent } from './failures.ts';

export interface GuardOptions {
  /** How long a statement may take, its second try included. */
  timeoutMs: number;
  /** Called when the database has answered nothing at all for that long: its connections are as good as dead. */
  onStall?: () => void;
}

export interface StatementStats {
  inFlight: number;
  /** Told of each statement that ended, however it did, in milliseconds. */
  observe: (durationMs: number) => void;
}

export type Guard = ReturnType<typeof createGuard>;

const RETRY_AFTER_MS = 50;

/** Both functions reject with DatabaseUnavailable when the database is at fault, and else with what it said. */
export function createGuard({ timeoutMs, onStall = () => {} }: GuardOptions) {
  const stats: StatementStats = { inFlight: 0, observe: () => {} };
  const deadlines = createDeadlines(timeoutMs);
  let answeredAt = 0;

  async function attempt<T>(statement: () => Promise<T>, startedAt: number): Promise<T> {
    stats.inFlight += 1;
    const deadline = deadlines.add(startedAt);
    try {
      const answer = await Promise.race([statement(), deadline.passed]);
      answeredAt = performance.now();
      return answer;
    } catch (error) {
      if (!(error instanceof DeadlinePassed)) answeredAt = performance.now();
      else if (answeredAt < startedAt) onStall();
      throw error;
    } finally {
      deadlines.remove(deadline);
      stats.inFlight -= 1;
      stats.observe(performance.now() - startedAt);
    }
  }

  async function run<T>(statement: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    const startedAt = performance.now();
    try {
      return await attempt(statement, startedAt).catch(async (error: unknown) => {
        if (!isUnavailable(error) || !mayRepeat(error)) throw error;
        await Bun.sleep(RETRY_AFTER_MS);
        return attempt(statement, startedAt);
      });
    } catch (error) {
      throw isUnavailable(error) ? new DatabaseUnavailable(error) : error;
    }
  }

  return {
    stats,
    /** For a statement that changes nothing: when the connection is lost, it is tried once more. */
    read: <T>(statement: () => Promise<T>) => run(statement, (error) => !(error instanceof DeadlinePassed)),
    /** For a statement that changes something: it is tried once more only if it surely never reached the database. */
    write: <T>(statement: () => Promise<T>) => run(statement, wasNeverSent),
  };
}

/** The statement took too long; whether it was carried out is not known. */
class DeadlinePassed extends Error {
  override name = 'DeadlinePassed';
}

interface Deadline {
  at: number;
  /** Never fulfilled; rejected with DeadlinePassed at the time. */
  passed: Promise<never>;
  reject: (reason: DeadlinePassed) => void;
}

/**
 * One timer for all statements: setting and clearing one for each would cost a request more than all else here does.
 * It looks every `timeoutMs / 20` and lets none wait longer than `timeoutMs`.
 */
function createDeadlines(timeoutMs: number) {
  const interval = timeoutMs / 20;
  // In the order in which they will pass, but for second tries, which are late by a look at most.
  const pending = new Set<Deadline>();
  let timer: Timer | undefined;

  function look(): void {
    const soon = performance.now() + interval;
    for (const deadline of pending) {
      if (deadline.at > soon) break;
      pending.delete(deadline);
      deadline.reject(new DeadlinePassed(`The database did not answer within ${timeoutMs} ms.`));
    }
    if (pending.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }

  return {
    add(startedAt: number): Deadline {
      const { promise, reject } = Promise.withResolvers<never>();
      const deadline = { at: startedAt + timeoutMs, passed: promise, reject };
      pending.add(deadline);
      timer ??= setInterval(look, interval);
      return deadline;
    },
    remove: (deadline: Deadline) => pending.delete(deadline),
  };
}
