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

  function run<T>(statement: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    const startedAt = performance.now();
    stats.inFlight += 1;
    // One promise for all of it: this is on the way of every request.
    return new Promise<T>((resolve, reject) => {
      let repeated = false;
      const deadline = deadlines.add(startedAt, (error) => {
        if (answeredAt < startedAt) onStall();
        settle();
        reject(new DatabaseUnavailable(error));
      });
      const settle = () => {
        deadlines.remove(deadline);
        stats.inFlight -= 1;
        stats.observe(performance.now() - startedAt);
      };
      const onAnswer = (answer: T) => {
        answeredAt = performance.now();
        if (!deadlines.has(deadline)) return;
        settle();
        resolve(answer);
      };
      const onError = (error: unknown) => {
        const unavailable = isUnavailable(error);
        if (!unavailable) answeredAt = performance.now();
        if (!deadlines.has(deadline)) return;
        if (unavailable && !repeated && mayRepeat(error)) {
          repeated = true;
          setTimeout(() => deadlines.has(deadline) && send(), RETRY_AFTER_MS);
          return;
        }
        settle();
        reject(unavailable ? new DatabaseUnavailable(error) : error);
      };
      const send = () => void statement().then(onAnswer, onError);
      send();
    });
  }

  return {
    stats,
    /** For a statement that changes nothing: when the connection is lost, it is tried once more. */
    read: <T>(statement: () => Promise<T>) => run(statement, () => true),
    /** For a statement that changes something: it is tried once more only if it surely never reached the database. */
    write: <T>(statement: () => Promise<T>) => run(statement, wasNeverSent),
  };
}

interface Deadline {
  at: number;
  onPassed: (error: Error) => void;
}

/**
 * One timer for all statements: setting and clearing one for each would cost a request more than all else here does.
 * It looks every `timeoutMs / 20` and lets none wait longer than `timeoutMs`.
 */
function createDeadlines(timeoutMs: number) {
  const interval = timeoutMs / 20;
  // In the order in which they will pass.
  const pending = new Set<Deadline>();
  let timer: Timer | undefined;

  function look(): void {
    const soon = performance.now() + interval;
    for (const deadline of pending) {
      if (deadline.at > soon) break;
      deadline.onPassed(new Error(`The database did not answer within ${timeoutMs} ms.`));
    }
    if (pending.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }

  return {
    add(startedAt: number, onPassed: Deadline['onPassed']): Deadline {
      const deadline = { at: startedAt + timeoutMs, onPassed };
      pending.add(deadline);
      timer ??= setInterval(look, interval);
      return deadline;
    },
    has: (deadline: Deadline) => pending.has(deadline),
    remove: (deadline: Deadline) => pending.delete(deadline),
  };
}
