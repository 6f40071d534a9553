/** A line for each user: a few requests at once, some more that wait for their turn, and the rest are refused. */
import { Problem } from './problems.ts';

interface UserLinesOptions {
  poolSize: number;
  maxInFlight: number;
  /** How long a statement may take. */
  timeoutMs: number;
}

export type UserLines = ReturnType<typeof createUserLines>;

/** What one user gets of a process: at most four connections of ten, and never all of the requests in flight. */
export function createUserLines({ poolSize, maxInFlight, timeoutMs }: UserLinesOptions) {
  const width = poolSize < 6 ? 1 : 2;
  const length = Math.ceil(maxInFlight / 4);
  const waitMs = timeoutMs / 2;
  return {
    /** A second one is on its way to the database while the first is answered; more would stand in line there. */
    writes: createLines({ width, length, waitMs }),
    lists: createLines({ width, length, waitMs }),
    /** Reads of single tasks share their statements, so they wait for nothing. */
    reads: createLines({ width: length, length: 0, waitMs }),
  };
}

interface LineOptions {
  /** The most requests of a user at once. */
  width: number;
  /** The most that wait. */
  length: number;
  /** How long one waits at most. */
  waitMs: number;
}

interface Line {
  /** At least 1: a line that nobody stands in is forgotten. */
  running: number;
  /** The starts of those that wait, the first come first; empty unless `width` are running. */
  waiting: Set<() => void>;
}

function createLines({ width, length, waitMs }: LineOptions) {
  const lines = new Map<string, Line>();

  function waitIn({ waiting }: Line, { signal }: Request): Promise<void> {
    if (waiting.size >= length || signal.aborted) throw tooManyRequests();
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(start);
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
      };
      const start = () => {
        leave();
        resolve();
      };
      const giveUp = () => {
        leave();
        reject(tooManyRequests());
      };
      const timer = setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp);
      waiting.add(start);
    });
  }

  return {
    /**
     * Does the work of a request in the user's turn; users never wait for one another.
     * @throws Problem 429, with nothing done, when too many wait, the turn does not come in time, or the client goes away
     */
    async inTurn<T>(user: string, request: Request, work: () => Promise<T>): Promise<T> {
      let line = lines.get(user);
      if (!line) {
        line = { running: 0, waiting: new Set() };
        lines.set(user, line);
      }
      if (line.running === width) await waitIn(line, request);
      else line.running += 1;
      try {
        return await work();
      } finally {
        const [next] = line.waiting;
        // Whoever starts next takes over the place.
        if (next) next();
        else if (line.running > 1) line.running -= 1;
        else lines.delete(user);
      }
    },
  };
}

function tooManyRequests(): Problem {
  return new Problem('too-many-requests', 'Too many requests of this user are waiting; this one did nothing.', {
    headers: { 'retry-after': '1' },
  });
}
