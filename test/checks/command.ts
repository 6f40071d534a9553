import { join } from 'node:path';

export const ROOT = join(import.meta.dir, '../..');

export interface Outcome {
  passed: boolean;
  /** What it said, on whichever stream. */
  output: string;
}

/** A program of a dependency, run by Bun, so that no Node is needed. */
export function tool(name: string, ...options: string[]): string[] {
  return [process.execPath, join(ROOT, 'node_modules/.bin', name), ...options];
}

/** Runs a command, by default in the folder of the project, and waits for its end. */
export async function run(command: string[], options: { cwd?: string; env?: Record<string, string> } = {}) {
  const child = Bun.spawn(command, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...QUIET, ...options.env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { passed: (await child.exited) === 0, stdout, output: (stdout + stderr).trim() };
}

/** No colours in what is captured, and nothing said to anybody but the terminal. */
const QUIET = {
  NO_COLOR: '1',
  FORCE_COLOR: '0',
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
};
