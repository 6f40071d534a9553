/** The log: JSON lines, which standard output gets as they are or, for people, as text. */
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
  const now = clockOfLines();
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${now()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, { write });
  return {
    logger,
    request: logger.isLevelEnabled('info')
      ? ({ requestId, traceId, method, route, status, milliseconds }) => {
          const trace = traceId === undefined ? '' : `"trace_id":"${traceId}",`;
          const what = `"method":"${method}","route":${route === null ? null : `"${route}"`},"status":${status}`;
          const duration = Math.round(milliseconds * 1000) / 1000;
          write(
            `{"level":"info","time":"${now()}","request_id":"${requestId}",${trace}${what},"duration_ms":${duration},"msg":"request"}\n`,
          );
        }
      : () => {},
  };
}

/** Gives the time in RFC 3339, and makes it once a millisecond: that takes 1 µs, and a request 20. */
function clockOfLines(): () => string {
  let milliseconds = 0;
  let text = '';
  return () => {
    const present = Date.now();
    if (present !== milliseconds) {
      milliseconds = present;
      text = new Date(present).toISOString();
    }
    return text;
  };
}

/** As many characters are written at once, unless a reader waits for each line. */
const CHUNK = 8192;

/** How long a line may wait in memory. */
const DELAY_MS = 250;

/**
 * @param held how many characters wait at most
 *
 * Buffers lines for standard output: a write for each would cost a tenth of a request. It writes synchronously, because
 * lines that wait would fill the memory under overload. (The `minLength` of pino's own destination does the same, but
 * measures its whole buffer again with each line.)
 */
export function linesToStdout(held = CHUNK) {
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
    if (lines.length >= held) flush();
  };
}
