/** Reads the configuration, opens the database, brings it up to date, listens, and stops in good order. */
import pino from 'pino';
import { createApp } from './app.ts';
import { describeConfig, InvalidConfig, readConfig } from './config.ts';
import { openDatabase } from './db/client.ts';
import { FolderInUse } from './db/lock.ts';
import { migrate } from './db/migrate.ts';
import { createTaskIds } from './tasks/task.id.ts';

if (process.argv.includes('--help')) {
  console.log(`Usage: bun src/main.ts\n\nServes the Todo API. Environment variables:\n${describeConfig()}`);
  process.exit(0);
}

const config = readConfigOrExit();
const log = pino({ level: config.logLevel, base: null });
const database = await openDatabaseOrExit();
const app = createApp({
  ...config,
  db: database.db,
  log,
  clock: Date.now,
  newTaskId: createTaskIds(),
  newRequestId: () => crypto.randomUUID(),
});

app.listen({ hostname: config.host, port: config.port, reusePort: false, development: false });
log.info({ url: String(app.server?.url) }, 'listening');

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** Refuses new connections, answers what is in flight, closes the database; a second signal ends the process at once. */
async function stop(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  process.once('SIGTERM', () => process.exit(1));
  process.once('SIGINT', () => process.exit(1));
  const finished = app.server?.stop() ?? Promise.resolve();
  await Promise.race([finished, Bun.sleep(config.shutdownGraceSeconds * 1000)]);
  await Promise.race([database.close(), Bun.sleep(2000)]);
  log.info('stopped');
  process.exit(0);
}

function readConfigOrExit() {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    console.error(`The configuration is not valid:\n${error.message}\nSee --help.`);
    process.exit(1);
  }
}

async function openDatabaseOrExit() {
  try {
    const { databaseUrl: url, dataDir, poolSize, timeoutMs } = config;
    const database = await openDatabase({ url, dataDir, poolSize, timeoutMs });
    await migrate(database.db);
    return database;
  } catch (error) {
    if (error instanceof FolderInUse) log.fatal(error.message);
    else log.fatal({ err: error }, 'The database cannot be opened');
    process.exit(1);
  }
}
