/** Bounds every statement: a deadline, one safe retry, one error type; never more statements at once than connections. */
import { DatabaseReadOnly, DatabaseUnavailable } from '../errors.ts';
import { isReadOnly, isUnavailable, wasNeverSent } from './driver-errors.ts';

export interface StatementQueueOptions {
  /** How long a statement may take, with the wait for its turn and its retry. */
  timeoutMs: number;
  /** The most statements at once: Bun's driver would send one more behind a statement that waits for a lock. */
  concurrency: number;
  /** Has all statements from now on sent on new connections; those under way end on the old ones. */
  reconnect?: (() => void) | undefined;
}

interface StatementStats {
  inFlight: number;
  /** Called once a statement has ended, however it did, with its duration and the wait for its turn. */
  observe: (durationMs: number) => void;
}

export type StatementQueue = ReturnType<typeof createStatementQueue>;

const RETRY_AFTER_MS = 50;

/** A server that takes no writes is asked on new connections no more often than this. */
const READ_ONLY_MS = 1000;

class Statement {
  isOver = false;
  isRetry = false;
  isOverdue = false;
  sentAt: number | undefined;
  /** On which generation of connections it was sent last. */
  generation = 0;
  /** How many times it is under way. */
  attempts = 0;

  constructor(
    readonly startedAt: number,
    /** Whether doing it twice does no more than doing it once. */
    readonly isRepeatable: boolean,
    readonly execute: () => void,
    readonly reject: (error: unknown) => void,
  ) {}

  send(now: number, generation: number): void {
    this.sentAt = now;
    this.generation = generation;
    this.attempts += 1;
    this.execute();
  }
}

/** All functions reject with DatabaseUnavailable when the database is at fault, else with the error of the statement. */
export function createStatementQueue({ timeoutMs, concurrency, reconnect }: StatementQueueOptions) {
  const stats: StatementStats = { inFlight: 0, observe: () => {} };
  /** In the order of their starts, which is the order of their deadlines too. */
  const unanswered = new Set<Statement>();
  /** Without a turn yet, or late; empty unless `concurrency` statements are running. */
  const waiting = new Set<Statement>();
  let running = 0;
  let timer: Timer | undefined;
  let answeredAt = 0;
  /** Counts how often the connections were made anew. */
  let generation = 0;
  let connectedAt = performance.now();
  const interval = timeoutMs / 20;
  /** What takes longer may be on a connection that has died without a word. */
  const overdueMs = timeoutMs / 10;

  function begin(statement: Statement): void {
    stats.inFlight += 1;
    unanswered.add(statement);
    timer ??= setInterval(look, interval);
    if (running < concurrency) start(statement, statement.startedAt);
    else waiting.add(statement);
  }

  function start(statement: Statement, now: number): void {
    running += 1;
    statement.send(now, generation);
  }

  function end(statement: Statement, now: number): void {
    unanswered.delete(statement);
    statement.isOver = true;
    stats.inFlight -= 1;
    stats.observe(now - statement.startedAt);
    if (statement.sentAt !== undefined) running -= 1;
    if (waiting.size > 0) startNext(now);
  }

  function startNext(now: number): void {
    for (const next of waiting) {
      if (running === concurrency) return;
      waiting.delete(next);
      // Nobody would wait for the answer of a late one; the timer ends it.
      if (!isLate(next, now)) start(next, now);
    }
  }

  /** Whether its deadline has passed, or will before the timer looks again. */
  function isLate({ startedAt }: Statement, now: number): boolean {
    return startedAt + timeoutMs <= now + interval;
  }

  /** One timer for all statements: a timer for each costs more than the rest of this module. */
  function look(): void {
    const now = performance.now();
    endLate(now);
    if (reconnect) for (const statement of unanswered) repeatOverdue(statement, now);
    if (unanswered.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function endLate(now: number): void {
    const late: Statement[] = [];
    for (const statement of unanswered) {
      if (!isLate(statement, now)) break;
      late.push(statement);
    }
    // Before any of them ends, so that the next in line gets a new connection.
    if (late.some(({ startedAt }) => answeredAt < startedAt)) renew(now);
    for (const statement of late) {
      end(statement, now);
      statement.reject(new DatabaseUnavailable(new Error(`The database did not answer within ${timeoutMs} ms.`)));
    }
  }

  /**
   * A statement that is overdue may be slow or wait for a lock, or its connection is dead, as after a firewall forgot it:
   * nobody can tell. So it goes on, and if it is repeatable, it is sent on a new connection as well; the first answer
   * counts. New connections are not suspected: slow statements alone have them made anew once in `timeoutMs` at most.
   */
  function repeatOverdue(statement: Statement, now: number): void {
    const { isOverdue, attempts, sentAt = now } = statement;
    if (isOverdue || attempts === 0 || now < sentAt + overdueMs || !isRenewedSince(statement, timeoutMs, now)) return;
    statement.isOverdue = true;
    if (statement.isRepeatable) statement.send(now, generation);
  }

  /** Whether there are newer connections than the statement has; they are made if the present ones are so old. */
  function isRenewedSince(statement: Statement, ageMs: number, now: number): boolean {
    if (statement.generation === generation && connectedAt + ageMs <= now) renew(now);
    return statement.generation < generation;
  }

  function renew(now: number): void {
    reconnect?.();
    connectedAt = now;
    generation += 1;
  }

  function mayRetry(statement: Statement, error: unknown, now: number): boolean {
    if (statement.isRetry) return false;
    // Nothing was written. The connection stays read-only for as long as it lives, whatever has become of the server.
    if (isReadOnly(error)) return reconnect !== undefined && isRenewedSince(statement, READ_ONLY_MS, now);
    return statement.isRepeatable || wasNeverSent(error);
  }

  function run<T>(execute: () => Promise<T>, isRepeatable: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const send = () => {
        try {
          execute().then(onAnswer, onError);
        } catch (error) {
          onError(error);
        }
      };
      const statement = new Statement(performance.now(), isRepeatable, send, reject);
      const onAnswer = (answer: T) => {
        answeredAt = performance.now();
        if (statement.isOver) return;
        end(statement, answeredAt);
        resolve(answer);
      };
      const onError = (error: unknown) => {
        const unavailable = isUnavailable(error);
        const now = performance.now();
        statement.attempts -= 1;
        if (!unavailable) answeredAt = now;
        // Of a statement that was sent twice, the other one may still be answered.
        if (statement.isOver || (unavailable && statement.attempts > 0)) return;
        if (unavailable && mayRetry(statement, error, now)) {
          statement.isRetry = true;
          setTimeout(() => statement.isOver || statement.send(performance.now(), generation), RETRY_AFTER_MS);
          return;
        }
        end(statement, now);
        reject(unavailable ? unavailableBecauseOf(error) : error);
      };
      begin(statement);
    });
  }

  return {
    stats,
    /** Runs a statement that changes nothing; it is retried once when the connection is lost, or gives no answer. */
    read: <T>(execute: () => Promise<T>) => run(execute, true),
    /** Runs a statement that changes something; it is retried once, and only if the database has surely not done it. */
    write: <T>(execute: () => Promise<T>) => run(execute, false),
    /** Runs a write that the database refuses to do twice; it is retried as a read is. */
    writeOnce: <T>(execute: () => Promise<T>) => run(execute, true),
  };
}

function unavailableBecauseOf(error: unknown): DatabaseUnavailable {
  return isReadOnly(error) ? new DatabaseReadOnly(error) : new DatabaseUnavailable(error);
}
