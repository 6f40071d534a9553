/** The service as its users run it: a process of its own, reached over sockets only. */
import { join } from 'node:path';
import { type Call, createClient } from './client.ts';
import { makeFolder } from './folder.ts';

const MAIN = Bun.fileURLToPath(import.meta.resolve('../../src/main.ts'));

export type Environment = Record<string, string>;
type LogLine = Record<string, unknown>;

export interface Service extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  origin: string;
  call: Call;
  pid: number;
  /** Resolves with the exit code, or with -1 when a signal ended it. */
  exited: Promise<number>;
  isRunning: () => boolean;
  kill: (signal: NodeJS.Signals) => void;
  /** What it has logged so far. */
  log: () => Promise<LogLine[]>;
}

/**
 * Starts the service and waits until it listens. It inherits nothing from this process but the way to programs.
 * @param bunArguments what Bun is told besides, such as `--preload`
 * @param main the file to run, of another version
 */
export async function startService(
  environment: Environment,
  bunArguments: string[] = [],
  main = MAIN,
): Promise<Service> {
  const { folder, remove } = await makeFolder();
  const logFile = join(folder, 'log');
  const child = spawnService(environment, { stdout: Bun.file(logFile), bunArguments, main });
  const log = async () => {
    const text = await Bun.file(logFile).text();
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .flatMap((line): LogLine[] => (line === '' ? [] : [JSON.parse(line)]));
  };
  const listening = async () => (await log()).find(({ msg }) => msg === 'listening');
  let line = await listening();
  while (!line && child.exitCode === null) {
    await Bun.sleep(10);
    line = await listening();
  }
  if (!line) throw new Error(`The service did not start: ${await new Response(child.stderr).text()}`);
  const { origin } = new URL(String(line.url));
  return {
    origin,
    call: createClient((request) => fetch(request), origin),
    pid: child.pid,
    exited: child.exited.then(() => child.exitCode ?? -1),
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => child.kill(signal),
    log,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      await remove();
    },
  };
}

/** Runs the service for something that ends by itself: a start that fails, or `migrate`. */
export async function runToEnd(
  serviceArguments: string[],
  environment: Environment,
  options: { bunArguments?: string[]; within?: string[] } = {},
) {
  const child = spawnService(environment, { stdout: 'pipe', serviceArguments, ...options });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
}

/** Starts the service and waits for nothing. */
export function spawnService<Out extends 'pipe' | 'ignore' | ReturnType<typeof Bun.file>>(
  environment: Environment,
  /** `within` is a program that runs it, with its arguments. */
  options: { stdout: Out; bunArguments?: string[]; serviceArguments?: string[]; within?: string[]; main?: string },
) {
  const { stdout, bunArguments = [], serviceArguments = [], within = [], main = MAIN } = options;
  return Bun.spawn([...within, process.execPath, ...bunArguments, main, ...serviceArguments], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', ...environment },
    stdin: 'ignore',
    stdout,
    stderr: 'pipe',
  });
}
