/** PostgreSQL inside this process, its files in a folder: nothing to install, one connection, one process. */
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { drizzle } from 'drizzle-orm/pglite';
import type { DatabaseOptions, Drizzle, Embedded, Opened } from './driver.ts';
import { backUp } from './embedded/backup.ts';
import { prepareCluster } from './embedded/cluster.ts';
import { connect } from './embedded/connection.ts';
import { DurableFS } from './embedded/durable-fs.ts';
import { BackupRefused, explainReason, explainRefusal } from './embedded/errors.ts';
import { startParameters } from './embedded/settings.ts';
import { makeFolder } from './embedded/sync.ts';
import { createUpkeep, type Usage } from './embedded/upkeep.ts';
import { lockFolder } from './lock.ts';

type PgliteOptions = Pick<DatabaseOptions, 'dataDir' | 'sync' | 'logger'>;

/**
 * Opens the database in `dataDir`, which it makes if need be. A process killed at any point, and with `sync` a power
 * cut, leaves a folder that the next start can use.
 * @throws FolderInUse when another process has it open: PGlite itself would let both write and lose rows.
 * @throws UnusableFolder when it is damaged, or of another version of PostgreSQL
 * @throws OperatorError when this user may not use it, or the disk is full
 */
export async function openPglite({ dataDir, sync = true, logger }: PgliteOptions): Promise<Opened> {
  let unlock = () => {};
  try {
    await makeFolder(dataDir);
    unlock = lockFolder(dataDir);
    const cluster = join(dataDir, 'postgres');
    await prepareCluster(cluster, sync);
    const pglite = await startPostgres(cluster, sync);
    const connection = connect(pglite);
    const db = drizzle({ client: connection as unknown as PGlite, ...(logger && { logger }) });
    const close = async () => {
      await pglite.close();
      unlock();
    };
    return { db, close, embedded: embeddedOf(db, cluster, connection.usage) };
  } catch (error) {
    unlock();
    throw explainRefusal(error, dataDir);
  }
}

async function startPostgres(cluster: string, sync: boolean): Promise<PGlite> {
  let reason = '';
  try {
    return await PGlite.create({
      fs: sync ? new DurableFS(cluster) : new NodeFS(cluster),
      startParams: startParameters(sync),
      // PGlite's own error says nothing of the reason.
      onStderr: (line) => {
        reason ||= /(?:FATAL|PANIC|postgres): +(.*)/.exec(line)?.[1] ?? '';
        return false;
      },
    });
  } catch (error) {
    throw explainReason(reason, cluster) ?? error;
  }
}

function embeddedOf(db: Drizzle, cluster: string, usage: Usage): Embedded {
  const upkeep = createUpkeep(db, usage);
  let isBackingUp = false;
  return {
    // A checkpoint would remove files of the log that the back-up needs.
    upkeep: async () => (isBackingUp ? undefined : upkeep()),
    async backUp(folder) {
      if (isBackingUp) throw new BackupRefused('A back-up is being made.');
      isBackingUp = true;
      try {
        await backUp(db, cluster, folder);
      } finally {
        isBackingUp = false;
      }
    },
  };
}
