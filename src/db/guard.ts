/**
 * Runs statements so that none waits for ever: a time limit, one more try where that is safe, one kind of failure; and
 * no more at once than there are connections, so that none waits behind another that waits for a lock.
 */
import { DatabaseUnavailable } from '../errors.ts';
import { isUnavailable, wasNeverSent } from './failures.ts';

export interface GuardOptions {
  /** How long a statement may take, the wait for its turn and its second try included. */
  timeoutMs: number;
  /** Statements at once; more of them wait for their turn. */
  atOnce: number;
  /** Called when the database has answered nothing at all for that long: its connections are as good as dead. */
  onStall?: () => void;
}

export interface StatementStats {
  inFlight: number;
  /** Told of each statement that ended, however it did, in milliseconds; the wait for its turn counts. */
  observe: (durationMs: number) => void;
}

export type Guard = ReturnType<typeof createGuard>;

const RETRY_AFTER_MS = 50;

/** A statement on its way: one of a list in the order of their starts, which is that of their deadlines as well. */
class Pending {
  before: Pending | undefined;
  after: Pending | undefined;
  isSent = false;
  isOver = false;
  wasRepeated = false;

  constructor(
    readonly startedAt: number,
    readonly send: () => void,
    readonly reject: (error: unknown) => void,
  ) {}
}

/** Both functions reject with DatabaseUnavailable when the database is at fault, and else with what it said. */
export function createGuard({ timeoutMs, atOnce, onStall = () => {} }: GuardOptions) {
  const stats: StatementStats = { inFlight: 0, observe: () => {} };
  // Linked by hand: a Set of statements makes a read of one task cost the process a seventh more (test/bench/LOG.md).
  let first: Pending | undefined;
  let last: Pending | undefined;
  /** The first that waits for its turn; so do all after it. There is none unless `atOnce` are running. */
  let waiting: Pending | undefined;
  let running = 0;
  let timer: Timer | undefined;
  let answeredAt = 0;
  const interval = timeoutMs / 20;

  function begin(pending: Pending): void {
    stats.inFlight += 1;
    pending.before = last;
    if (last) last.after = pending;
    else first = pending;
    last = pending;
    timer ??= setInterval(look, interval);
    if (running < atOnce) start(pending);
    else waiting ??= pending;
  }

  function start(pending: Pending): void {
    running += 1;
    pending.isSent = true;
    pending.send();
  }

  function end(pending: Pending, now: number): void {
    const { before, after } = pending;
    if (before) before.after = after;
    else first = after;
    if (after) after.before = before;
    else last = before;
    if (waiting === pending) waiting = after;
    // Or one that is over, and old to the garbage collector, would keep those alive that came after it.
    pending.before = pending.after = undefined;
    pending.isOver = true;
    stats.inFlight -= 1;
    stats.observe(now - pending.startedAt);
    if (pending.isSent) running -= 1;
    while (waiting && running < atOnce) {
      const next = waiting;
      waiting = next.after;
      // Nobody would wait for its answer; it is ended when the timer looks again.
      if (!isLate(next, now)) start(next);
    }
  }

  /** Whether its time is up, or will be before the timer looks again. */
  function isLate({ startedAt }: Pending, now: number): boolean {
    return startedAt + timeoutMs <= now + interval;
  }

  /**
   * One timer for all statements: setting and clearing one for each would cost a request more than all else here does.
   * It lets none wait longer than `timeoutMs`.
   */
  function look(): void {
    const now = performance.now();
    const late: Pending[] = [];
    for (let pending = first; pending && isLate(pending, now); pending = pending.after) late.push(pending);
    // Before any of them ends: whoever has a turn then shall have it on a new connection.
    if (late.some(({ startedAt }) => answeredAt < startedAt)) onStall();
    for (const pending of late) {
      end(pending, now);
      pending.reject(new DatabaseUnavailable(new Error(`The database did not answer within ${timeoutMs} ms.`)));
    }
    if (first) return;
    clearInterval(timer);
    timer = undefined;
  }

  function run<T>(statement: () => Promise<T>, mayRepeat: (error: unknown) => boolean): Promise<T> {
    // One promise for all of it: this is on the way of every request.
    return new Promise<T>((resolve, reject) => {
      const send = () => {
        try {
          statement().then(onAnswer, onError);
        } catch (error) {
          onError(error);
        }
      };
      const pending = new Pending(performance.now(), send, reject);
      const onAnswer = (answer: T) => {
        answeredAt = performance.now();
        if (pending.isOver) return;
        end(pending, answeredAt);
        resolve(answer);
      };
      const onError = (error: unknown) => {
        const unavailable = isUnavailable(error);
        const now = performance.now();
        if (!unavailable) answeredAt = now;
        if (pending.isOver) return;
        if (unavailable && !pending.wasRepeated && mayRepeat(error)) {
          pending.wasRepeated = true;
          setTimeout(() => pending.isOver || send(), RETRY_AFTER_MS);
          return;
        }
        end(pending, now);
        reject(unavailable ? new DatabaseUnavailable(error) : error);
      };
      begin(pending);
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
