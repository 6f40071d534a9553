/** Reads the configuration, opens the database, brings it up to date, listens, and stops in good order. */
import { isatty } from 'node:tty';
import { type App, createApp } from './app.ts';
import { answerBackups, runBackup } from './backup.ts';
import { describeConfig, readConfig } from './config.ts';
import { openDatabase, placeOf } from './db/database.ts';
import { explainFailure } from './db/diagnosis.ts';
import { checkSchema, migrate } from './db/migrate.ts';
import { OperatorError } from './errors.ts';
import { createLog, linesToStdout } from './log.ts';
import { createTaskIds } from './tasks/ids.ts';
import { asText, greeting } from './terminal.ts';

/** Ctrl-C reaches `bun run start` and this process, and `bun run` passes it on: for so long a signal is the same one. */
const SAME_SIGNAL_MS = 1000;

const SOURCE_USAGE = `Usage:
  bun run start
  bun run migrate
  bun run backup FOLDER
`;

const IMAGE_USAGE = `Usage:
  docker run -p 127.0.0.1:3000:3000 -v todo:/data todo-api
  docker run -e DATABASE_URL=… todo-api migrate
  docker exec CONTAINER bun /app/server/dist/main.js backup /data/FOLDER

An environment variable is set with -e NAME=VALUE. The image sets HOST=0.0.0.0, DATA_DIR=/data and SHUTDOWN_GRACE_SECONDS=7.
`;

const [command, folder] = process.argv.slice(2);
if (command !== undefined && command !== 'migrate' && command !== 'backup') {
  // Only the image has the bundle.
  console.log(`${import.meta.file === 'main.js' ? IMAGE_USAGE : SOURCE_USAGE}
The first serves the Todo API, the second only brings the tables up to date, the third copies the embedded database into a
new folder, whether the service runs or not.

Environment variables:
${describeConfig()}`);
  process.exit(command === '--help' ? 0 : 1);
}

const config = await orExit(() => readConfig(process.env));
const isForPeople = config.logFormat === 'text' || (config.logFormat === 'auto' && isatty(1));
const write = linesToStdout(isForPeople ? 0 : undefined);
const log = createLog(config.logLevel, isForPeople ? asText(write) : write);
const { logger } = log;

const LISTEN_ADVICE: Record<string, string> = {
  EADDRINUSE: 'Another program uses the port: stop it, or choose another PORT.',
  EACCES: 'This user may not listen there: choose a PORT above 1023.',
  EADDRNOTAVAIL: 'This machine does not have that address: choose another HOST.',
};

let stoppingSince: number | undefined;
let app: App | undefined;
let endBackups = () => {};
// Now and not later: process 1 of a container ignores signals that it has no handler for.
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

const { databaseUrl: url, dataDir, embeddedSync: sync, poolSize, timeoutMs, readOnly } = config;
const databaseOptions = { url, dataDir, sync, poolSize, timeoutMs, readOnly };
if (command === 'backup') {
  await orExit(() => runBackup(folder, databaseOptions));
  process.exit(0);
}

const database = await orExit(async () => {
  const opened = await openDatabase(databaseOptions);
  await (command === 'migrate' || (config.migrateOnStart && !readOnly) ? migrate(opened.db) : checkSchema(opened.db));
  return opened;
});
if (command === 'migrate') {
  logger.info('The tables are up to date.');
  await database.close();
  process.exit(0);
}

app = createApp({
  ...config,
  database,
  log,
  clock: Date.now,
  newTaskId: createTaskIds(),
  newRequestId: () => crypto.randomUUID(),
  isStopping: () => stoppingSince !== undefined,
});
await orExit(listen);
if (database.embedded) endBackups = await answerBackups(dataDir, database.embedded, log);
announce({ url: String(app.server?.url), database: placeOf(databaseOptions) });

function announce(start: { url: string; database: string }): void {
  if (!isForPeople) logger.info(start, 'listening');
  else if (logger.isLevelEnabled('info')) write(greeting({ ...start, publicUrl: config.publicUrl }));
}

function listen(): void {
  const { host: hostname, port, timeoutMs } = config;
  // Cuts a client that sends nothing for so long, and a request that takes so long.
  const idleTimeout = Math.min(255, Math.ceil(timeoutMs / 1000) + 20);
  try {
    app?.listen({ hostname, port, reusePort: false, development: false, idleTimeout });
  } catch (error) {
    const { code = '' } = error as { code?: string };
    const advice = LISTEN_ADVICE[code] ?? 'Choose another HOST or PORT.';
    throw new OperatorError(`Cannot listen on ${hostname}, port ${port} (${code}). ${advice}`);
  }
}

/**
 * Stops being ready, and for a while still accepts connections and asks clients to connect elsewhere; then refuses
 * connections, answers requests in flight, closes the database.
 */
async function stop(signal: string): Promise<void> {
  // Nothing is in flight yet.
  if (!app) process.exit(0);
  if (stoppingSince !== undefined) {
    if (performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
    process.exit(1);
  }
  stoppingSince = performance.now();
  logger.info({ signal }, 'stopping');
  await Bun.sleep(config.shutdownDrainMs);
  const deadline = Bun.sleep(config.shutdownGraceSeconds * 1000).then(() => 'late' as const);
  const outcome = await Promise.race([app.stop().then(() => 'done' as const), deadline]);
  endBackups();
  await Promise.race([database.close(), Bun.sleep(1000)]);
  logger.info({ outcome }, 'stopped');
  process.exit(outcome === 'done' ? 0 : 1);
}

/** A start that cannot succeed says why in a line or two, without a password, and exits with 1. */
async function orExit<T>(start: () => T | Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof OperatorError ? error.message : explainFailure(error, placeOf({ url, dataDir }));
    console.error(reason ?? error);
    process.exit(1);
  }
}
