/** Bounds every statement: a deadline, one safe retry, one error type; never more statements at once than connections. */
import { DatabaseUnavailable } from '../errors.ts';
import { isUnavailable, wasNeverSent } from './driver-errors.ts';

export interface StatementQueueOptions {
  /** How long a statement may take, with the wait for its turn and its retry. */
  timeoutMs: number;
  /** The most statements at once: Bun's driver would send one more behind a statement that waits for a lock. */
  concurrency: number;
  /** Called when a statement is late and the database has answered none since: its connections are as good as dead. */
  onStall?: (() => void) | undefined;
}

interface StatementStats {
  inFlight: number;
  /** Called once a statement has ended, however it did, with its duration and the wait for its turn. */
  observe: (durationMs: number) => void;
}

export type StatementQueue = ReturnType<typeof createStatementQueue>;

const RETRY_AFTER_MS = 50;

class Statement {
  isSent = false;
  isOver = false;
  isRetry = false;

  constructor(
    readonly startedAt: number,
    readonly send: () => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/** Both functions reject with DatabaseUnavailable when the database is at fault, else with the error of the statement. */
export function createStatementQueue({ timeoutMs, concurrency, onStall = () => {} }: StatementQueueOptions) {
  const stats: StatementStats = { inFlight: 0, observe: () => {} };
  /** In the order of their starts, which is the order of their deadlines too. */
  const unanswered = new Set<Statement>();
  /** Without a turn yet, or late; empty unless `concurrency` statements are running. */
  const waiting = new Set<Statement>();
  let running = 0;
  let timer: Timer | undefined;
  let answeredAt = 0;
  const interval = timeoutMs / 20;

  function begin(statement: Statement): void {
    stats.inFlight += 1;
    unanswered.add(statement);
    timer ??= setInterval(endLate, interval);
    if (running < concurrency) start(statement);
    else waiting.add(statement);
  }

  function start(statement: Statement): void {
    running += 1;
    statement.isSent = true;
    statement.send();
  }

  function end(statement: Statement, now: number): void {
    unanswered.delete(statement);
    statement.isOver = true;
    stats.inFlight -= 1;
    stats.observe(now - statement.startedAt);
    if (statement.isSent) running -= 1;
    if (waiting.size > 0) startNext(now);
  }

  function startNext(now: number): void {
    for (const next of waiting) {
      if (running === concurrency) return;
      waiting.delete(next);
      // Nobody would wait for the answer of a late one; the timer ends it.
      if (!isLate(next, now)) start(next);
    }
  }

  /** Whether its deadline has passed, or will before the timer looks again. */
  function isLate({ startedAt }: Statement, now: number): boolean {
    return startedAt + timeoutMs <= now + interval;
  }

  /** One timer for all statements: a timer for each costs more than the rest of this module. */
  function endLate(): void {
    const now = performance.now();
    const late: Statement[] = [];
    for (const statement of unanswered) {
      if (!isLate(statement, now)) break;
      late.push(statement);
    }
    // Before any of them ends, so that the next in line gets a new connection.
    if (late.some(({ startedAt }) => answeredAt < startedAt)) onStall();
    for (const statement of late) {
      end(statement, now);
      statement.reject(new DatabaseUnavailable(new Error(`The database did not answer within ${timeoutMs} ms.`)));
    }
    if (unanswered.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function run<T>(execute: () => Promise<T>, mayRetry: (error: unknown) => boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const send = () => {
        try {
          execute().then(onAnswer, onError);
        } catch (error) {
          onError(error);
        }
      };
      const statement = new Statement(performance.now(), send, reject);
      const onAnswer = (answer: T) => {
        answeredAt = performance.now();
        if (statement.isOver) return;
        end(statement, answeredAt);
        resolve(answer);
      };
      const onError = (error: unknown) => {
        const unavailable = isUnavailable(error);
        const now = performance.now();
        if (!unavailable) answeredAt = now;
        if (statement.isOver) return;
        if (unavailable && !statement.isRetry && mayRetry(error)) {
          statement.isRetry = true;
          setTimeout(() => statement.isOver || send(), RETRY_AFTER_MS);
          return;
        }
        end(statement, now);
        reject(unavailable ? new DatabaseUnavailable(error) : error);
      };
      begin(statement);
    });
  }

  return {
    stats,
    /** Runs a statement that changes nothing; it is retried once when the connection is lost. */
    read: <T>(execute: () => Promise<T>) => run(execute, () => true),
    /** Runs a statement that changes something; it is retried once, and only if it never reached the database. */
    write: <T>(execute: () => Promise<T>) => run(execute, wasNeverSent),
  };
}
