/**
 * `bun run test [arguments of bun test]`: starts the PostgreSQL server that the test processes share, runs them, and
 * ends with a line that a machine can read, `N passed, N failed`.
 */
import { FOLDER, makeFolder } from './folder.ts';
import { SERVER_URL, startPostgres } from './postgres.ts';

/** One more than two cores: much of what the tests do is waiting. */
const WORKERS = 3;

/** A test that hangs must end some day; no test is judged by how long it takes. */
const TIMEOUT_MS = 120_000;

/** How often the run says where it is. */
const PROGRESS_MS = 15_000;

const startedAt = performance.now();
const asked = process.argv.slice(2);
console.log(
  asked.length === 0
    ? `Starting PostgreSQL, then all tests in ${WORKERS} processes: some minutes on two cores.`
    : `Starting PostgreSQL, then: ${asked.join(' ')}`,
);
const { folder, remove } = await makeFolder();
process.env[FOLDER] = folder;
const server = await startPostgres();
// A shared registry of modules lets the files of one process share its databases.
const tests = Bun.spawn(
  [process.execPath, 'test', `--parallel=${WORKERS}`, '--no-isolate', `--timeout=${TIMEOUT_MS}`, ...asked],
  {
    env: { ...process.env, [SERVER_URL]: server.url },
    stdout: 'inherit',
    stderr: 'pipe',
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => tests.kill(signal));

const report = await passOn(tests.stderr);
const exitCode = await tests.exited;
await server.stop();
await remove();

const passed = counted('pass');
const failed = counted('fail') + counted('errors?');
console.log(`${passed} passed, ${failed} failed`);
process.exit(exitCode === 0 && failed === 0 && passed > 0 ? 0 : 1);

/** Shows what the tests say as they say it, and from time to time where they are. @returns all of it. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let said = '';
  const progress = setInterval(() => {
    const count = (outcome: string) => said.split(`\n(${outcome})`).length - 1;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(`After ${seconds} s: ${count('pass')} tests have passed and ${count('fail')} have failed.`);
  }, PROGRESS_MS);
  for await (const chunk of stream) {
    process.stderr.write(chunk);
    said += decoder.decode(chunk, { stream: true });
  }
  clearInterval(progress);
  return said;
}

/** What the summary of `bun test` says of an outcome, as in ` 12 pass`; the last word counts. */
function counted(outcome: string): number {
  const found = [...report.matchAll(new RegExp(`^ (\\d+) ${outcome}$`, 'gm'))].at(-1);
  return Number(found?.[1] ?? 0);
}
