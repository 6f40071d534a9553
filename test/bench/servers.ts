/** Starts server processes and reads from the kernel what they use. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { scripts } from '../../package.json';

export const BY_HAND = ['bun', Bun.fileURLToPath(import.meta.resolve('./baseline.ts'))];
/** The script `start`: variables, and a command that ends in the name of a file. */
const START = scripts.start.split(' ');
export const SERVICE = ['env', ...START.with(-1, Bun.fileURLToPath(import.meta.resolve('../../src/main.ts')))];

export interface ServerProcess extends AsyncDisposable {
  port: number;
  url: string;
  /** From the start of the process to its first answer out of the database. */
  startMs: number;
  /** CPU time that the process has used, all its threads together. */
  cpuSeconds(): number;
  memoryMiB(): { now: number; peak: number };
}

/**
 * Starts a server as its users do. Its log goes to a file, where a container runtime would have it.
 * @param env with `DATABASE_URL` or `DATA_DIR`; the server is told its `PORT`
 */
export async function startServer(command: string[], env: Record<string, string>): Promise<ServerProcess> {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'todo-api-bench-log-'));
  const { PATH, HOME, TMPDIR } = process.env;
  const started = performance.now();
  const child = Bun.spawn(command, {
    env: { PATH, HOME, TMPDIR, ...env, PORT: String(port) },
    stdout: Bun.file(join(folder, 'log')),
    stderr: 'inherit',
  });
  const stop = async () => {
    child.kill();
    await child.exited;
    await rm(folder, { recursive: true });
  };
  while (!(await answers(`${url}/api/nobody/tasks`))) {
    if (child.exitCode !== null) {
      const log = await Bun.file(join(folder, 'log')).text();
      await stop();
      throw new Error(`${command.join(' ')} ended with ${child.exitCode}: ${log}`);
    }
    await Bun.sleep(2);
  }
  return {
    port,
    url,
    startMs: performance.now() - started,
    cpuSeconds: () => cpuSeconds(child.pid),
    memoryMiB: () => ({ now: memoryMiB(child.pid, 'VmRSS'), peak: memoryMiB(child.pid, 'VmHWM') }),
    [Symbol.asyncDispose]: stop,
  };
}

export function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  listener.stop(true);
  return listener.port;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

const TICKS_PER_SECOND = 100;

/** proc_pid_stat(5): fields 14 and 15, utime and stime; the second field is a name that may hold spaces. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function memoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1]) / 1024;
}
