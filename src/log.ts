/** The log: JSON lines on standard output. */
import pino, { type Logger } from 'pino';

/** What every request leaves in the log. */
interface RequestEntry {
  /** Of characters that JSON has no escapes for. */
  requestId: string;
  traceId: string | undefined;
  method: string;
  /** The pattern of the path, never the path itself, which names the user; null where no route answers. */
  route: string | null;
  status: number;
  milliseconds: number;
}

export interface Log {
  logger: Logger;
  request(entry: RequestEntry): void;
}

/**
 * @param write takes whole lines
 *
 * The lines of requests are put together here, in the form that the logger gives to its own: there is one for each
 * request, and the logger takes three times as long for it (test/bench/LOG.md).
 */
export function createLog(level: string, write: (lines: string) => void): Log {
  const logger = pino({ level, base: null }, { write });
  const info = logger.levels.values.info;
  return {
    logger,
    request: logger.isLevelEnabled('info')
      ? ({ requestId, traceId, method, route, status, milliseconds }) => {
          const trace = traceId === undefined ? '' : `"trace_id":"${traceId}",`;
          const what = `"method":"${method}","route":${route === null ? null : `"${route}"`},"status":${status}`;
          const duration = Math.round(milliseconds * 1000) / 1000;
          write(
            `{"level":${info},"time":${Date.now()},"request_id":"${requestId}",${trace}${what},"duration_ms":${duration},"msg":"request"}\n`,
          );
        }
      : () => {},
  };
}

/** When so much has come together, it is written. */
const CHUNK = 8192;

/** How long a line may lie in memory. */
const DELAY_MS = 250;

/**
 * Standard output for lines: they are written together, for one write for each would be a tenth of a request, and before
 * work goes on, for under overload lines that wait for a write would fill the memory. (The `minLength` of pino's own
 * destination does the same, but measures all that it has again with each line.)
 */
export function linesToStdout() {
  const stdout = pino.destination({ sync: true });
  let lines = '';
  function flush(): void {
    if (lines !== '') stdout.write(lines);
    lines = '';
  }
  setInterval(flush, DELAY_MS).unref();
  process.on('exit', () => {
    flush();
    stdout.flushSync();
  });
  return (line: string): void => {
    lines += line;
    if (lines.length >= CHUNK) flush();
  };
}
