/** Reads the errors of the drivers, each of which says the same in its own way. */

interface DriverError {
  code?: unknown;
  errno?: unknown;
  constraint?: unknown;
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

/** Connection lost, resources used up, an operator stepped in, the system failed, or the database is read-only. */
const UNAVAILABLE = /^(08|53|57|58|25006$)/;

/**
 * Whether the database rather than the request is at fault, so that the same request may succeed later. Whatever is no
 * word of PostgreSQL's came from the driver or the network: connections refused, closed or timed out.
 */
export function isUnavailable(error: unknown): boolean {
  const failure = postgresFailure(error);
  return failure === undefined ? isFromDriver(error) : UNAVAILABLE.test(failure.sqlState);
}

function isFromDriver(error: unknown): boolean {
  return error instanceof Error && error.name !== 'TypeError' && error.name !== 'RangeError';
}

function* causes(error: unknown): Generator<DriverError> {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    yield cause as DriverError;
  }
}
