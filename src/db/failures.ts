/** Reads the errors of the drivers, each of which says the same in its own way. */
import { DrizzleQueryError } from 'drizzle-orm/errors';

interface DriverError {
  code?: unknown;
  errno?: unknown;
  constraint?: unknown;
  message?: unknown;
}

/** What PostgreSQL said: an SQLSTATE and, where one was broken, the constraint; undefined when it said nothing. */
export function postgresFailure(error: unknown): { sqlState: string; constraint: string | undefined } | undefined {
  for (const { code, errno, constraint } of causes(error)) {
    // Bun.SQL has the SQLSTATE in `errno`, the other drivers in `code`.
    const sqlState = [errno, code].find((value) => typeof value === 'string' && /^[0-9A-Z]{5}$/.test(value));
    if (sqlState) return { sqlState: sqlState as string, constraint: constraint as string | undefined };
  }
  return undefined;
}

/**
 * Connection lost (08), resources used up (53), an operator stepped in or the time was up (57), the system failed (58),
 * the database is read-only (25006).
 */
const UNAVAILABLE = /^(08|53|57|58)|^25006$/;

/**
 * Whether the database rather than the request is at fault, so that the same request may succeed later. A statement
 * that failed without a word of PostgreSQL's failed in the driver or the network; other errors are mistakes of our own.
 */
export function isUnavailable(error: unknown): boolean {
  const failure = postgresFailure(error);
  if (failure) return UNAVAILABLE.test(failure.sqlState);
  return error instanceof DrizzleQueryError && !(error.cause instanceof TypeError);
}

/** Not connected: refused, timed out, starting up or shutting down (57P03), no connection left (53300). */
const NOT_CONNECTED = /^(ERR_POSTGRES_CONNECTION_(REFUSED|TIMEOUT)|ECONNREFUSED|57P03|53300)$/;

/** Whether a failure surely came before the statement was sent, so that a write may be tried again. */
export function wasNeverSent(error: unknown): boolean {
  return [...causes(error)].some(({ code, errno }) => NOT_CONNECTED.test(`${errno}`) || NOT_CONNECTED.test(`${code}`));
}

/** What the driver said at the bottom of it, which names neither statement nor password. */
export function reasonOf(error: unknown): string {
  const { code, message } = [...causes(error)].at(-1) ?? {};
  return [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
}

function* causes(error: unknown): Generator<DriverError> {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    yield cause as DriverError;
  }
}
