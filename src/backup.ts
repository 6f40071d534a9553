/**
 * `backup FOLDER`: only the process that has the database open can copy it. The command asks that process over a socket
 * in DATA_DIR, which no other user can open; when the service does not run, the command opens the database itself.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openDatabase } from './db/database.ts';
import type { DatabaseOptions, Embedded } from './db/driver.ts';
import { BackupRefused } from './db/embedded/errors.ts';
import { FolderInUse } from './db/lock.ts';
import type { Log } from './log.ts';

const socketIn = (dataDir: string) => join(dataDir, 'backup.sock');

/**
 * Answers the command until the returned function is called. On a file system without sockets, or at a path of over 100
 * bytes, the service runs as well, and back-ups have to wait until it is stopped.
 */
export async function answerBackups(dataDir: string, embedded: Embedded, { logger }: Log): Promise<() => void> {
  const unix = socketIn(dataDir);
  // Left by a process that was killed; the lock of the folder says that it is gone.
  await rm(unix, { force: true });
  const umask = process.umask(0o177);
  try {
    const server = Bun.serve({ unix, fetch: async (request) => backUp(await request.text()) });
    return () => void server.stop(true);
  } catch (error) {
    logger.warn({ error: String(error) }, 'no back-ups while running');
    return () => {};
  } finally {
    process.umask(umask);
  }

  async function backUp(folder: string): Promise<Response> {
    const startedAt = performance.now();
    try {
      await embedded.backUp(folder);
    } catch (error) {
      if (!(error instanceof BackupRefused)) logger.error({ error: String(error) }, 'back-up failed');
      return new Response((error as Error).message, { status: 500 });
    }
    logger.info({ durationMs: Math.round(performance.now() - startedAt) }, 'backed up');
    return new Response(null, { status: 204 });
  }
}

/**
 * Makes a back-up in `folder`, whether the service runs or not.
 * @throws BackupRefused with what to do instead
 */
export async function runBackup(target: string | undefined, options: DatabaseOptions): Promise<void> {
  const { dataDir, url } = options;
  if (url !== undefined)
    throw new BackupRefused('This is for the embedded database; see "Back-up and restore" in docs/operations.md.');
  if (target === undefined) throw new BackupRefused('Name the folder to make: backup FOLDER');
  const folder = resolve(target);
  if (!(await Bun.file(join(dataDir, 'postgres', 'PG_VERSION')).exists()))
    throw new BackupRefused(`There is no database in ${dataDir}.`);
  try {
    const database = await openDatabase(options);
    await database.embedded?.backUp(folder).finally(database.close);
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    await askForBackup(socketIn(dataDir), folder);
  }
}

async function askForBackup(unix: string, folder: string): Promise<void> {
  const answer = await fetch('http://localhost/', {
    unix,
    method: 'POST',
    body: folder,
    timeout: false,
  } as RequestInit).catch((error) => {
    throw new BackupRefused(`The process that has the database open does not answer at ${unix}: ${error.message}`);
  });
  if (!answer.ok) throw new BackupRefused(await answer.text());
}
