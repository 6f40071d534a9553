/** Reads the errors of the drivers, each of which words the same failure in its own way. */
import { DrizzleQueryError } from 'drizzle-orm/errors';

interface DriverError {
  code?: unknown;
  errno?: unknown;
  constraint?: unknown;
  message?: unknown;
}

export interface PostgresError {
  sqlState: string;
  /** The name of the constraint that the statement broke. */
  constraint: string | undefined;
}

/** What PostgreSQL said; undefined when the error came from elsewhere. */
export function postgresError(error: unknown): PostgresError | undefined {
  for (const { code, errno, constraint } of causes(error)) {
    // Bun.SQL has the SQLSTATE in `errno`, the other drivers in `code`.
    const sqlState = [errno, code].find((value) => typeof value === 'string' && /^[0-9A-Z]{5}$/.test(value));
    if (sqlState) return { sqlState: sqlState as string, constraint: constraint as string | undefined };
  }
  return undefined;
}

/**
 * Whether the statement broke a unique constraint. Which one is not told by its name: each partition has constraints of
 * its own, and Citus passes no name on.
 */
export function isDuplicate(error: unknown): boolean {
  return postgresError(error)?.sqlState === '23505';
}

/** Connection lost (08), resources used up (53), stopped by an operator or too late (57), I/O error (58), read-only (25006). */
const UNAVAILABLE = /^(08|53|57|58)|^25006$/;

/**
 * Whether the database is at fault and not the request, so that the same request may succeed later. A statement that
 * failed without a word from PostgreSQL failed in the driver or the network; any other error is a bug of ours.
 */
export function isUnavailable(error: unknown): boolean {
  const said = postgresError(error);
  if (said) return UNAVAILABLE.test(said.sqlState);
  return error instanceof DrizzleQueryError && !(error.cause instanceof TypeError);
}

/** Whether the connection takes no writes: that of a standby, or of a database that is read-only. */
export function isReadOnly(error: unknown): boolean {
  return postgresError(error)?.sqlState === '25006';
}

/** Not connected: refused, timed out, starting up or shutting down (57P03), no connection left (53300). */
const NOT_CONNECTED = /^(ERR_POSTGRES_CONNECTION_(REFUSED|TIMEOUT)|ECONNREFUSED|57P03|53300)$/;

/** Whether the failure came before the statement was sent, so that a write may be tried again. */
export function wasNeverSent(error: unknown): boolean {
  return [...causes(error)].some(({ code, errno }) => NOT_CONNECTED.test(`${errno}`) || NOT_CONNECTED.test(`${code}`));
}

/** The driver's own words, which name neither the statement nor the password. */
export function reasonOf(error: unknown): string {
  const { code, message } = [...causes(error)].at(-1) ?? {};
  const known = postgresError(error)?.sqlState ?? code;
  return `${message || 'no reason given'}${typeof known === 'string' ? ` (${known})` : ''}`;
}

/** What the log may say of an error: the innermost cause, and never a statement or its parameters, which are users' data. */
export function describeError(error: unknown) {
  let cause = error;
  while (cause instanceof Error && cause.cause !== undefined) cause = cause.cause;
  // A WebSocket fails with an event.
  if (cause instanceof ErrorEvent) return { name: 'ErrorEvent', message: cause.message };
  if (!(cause instanceof Error)) return { name: typeof cause };
  const { name, message, stack } = cause;
  const said = postgresError(cause);
  return { name, message, ...said, ...(said && DAMAGED.test(said.sqlState) && { advice: ADVICE }), stack };
}

/** A page or an index is not what PostgreSQL wrote. To send the request again does not help. */
const DAMAGED = /^XX00[12]$/;
const ADVICE = 'The database is damaged: check the disk, and restore a back-up.';

function* causes(error: unknown): Generator<DriverError> {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    yield cause as DriverError;
  }
}
