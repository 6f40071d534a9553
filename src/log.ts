/** The log: JSON lines on standard output. */
import pino, { type Logger } from 'pino';

/** The log line of a request. */
interface RequestEntry {
  /** Only characters that JSON does not escape. */
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
 * The lines of requests are written by hand in the form that the logger gives to its own: every request has one, and the
 * logger takes three times as long for it (test/bench/LOG.md).
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

/** As many characters are written at once. */
const CHUNK = 8192;

/** How long a line may wait in memory. */
const DELAY_MS = 250;

/**
 * Buffers lines for standard output: a write for each would cost a tenth of a request. It writes synchronously, because
 * lines that wait would fill the memory under overload. (The `minLength` of pino's own destination does the same, but
 * measures its whole buffer again with each line.)
 */
export function linesToStdout() {
  const stdout = pino.destination({ sync: true });
  let lines = '';
  function flush(): void {
    if (lines !== '') stdout.write(lines);
    lines = '';
  }
  setInterval(flush, DELAY_MS);
  process.on('exit', () => {
    flush();
    stdout.flushSync();
  });
  return (line: string): void => {
    lines += line;
    if (lines.length >= CHUNK) flush();
  };
}
