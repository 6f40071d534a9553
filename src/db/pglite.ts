/** PostgreSQL inside this process, its files in a folder: nothing to install, one connection, one process. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { dataDir as emptyCluster } from '@electric-sql/pglite-prepopulatedfs';
import { drizzle } from 'drizzle-orm/pglite';
import type { DatabaseOptions, Opened } from './driver.ts';
import { lockFolder } from './lock.ts';

type PgliteOptions = Pick<DatabaseOptions, 'dataDir' | 'logger'>;

/**
 * Opens the database in `dataDir`, which it makes if need be. A process killed at any point leaves a folder that the
 * next start can use.
 * @throws FolderInUse when another process has it open: PGlite itself would let both write and lose rows.
 */
export async function openPglite({ dataDir, logger }: PgliteOptions): Promise<Opened> {
  await mkdir(dataDir, { recursive: true });
  const unlock = lockFolder(dataDir);
  try {
    const cluster = join(dataDir, 'postgres');
    if (!(await Bun.file(join(cluster, 'PG_VERSION')).exists())) await unpackEmptyCluster(cluster);
    keepByteOrderMarks();
    const client = await PGlite.create(cluster);
    const close = async () => {
      await client.close();
      unlock();
    };
    return { db: drizzle({ client, ...(logger && { logger }) }), close };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * PGlite reads every value with a decoder of its own, anew after each error, that drops a byte order mark at the start
 * of a text as if it were a sign of the encoding. Where it runs, decoders keep what they are given.
 */
function keepByteOrderMarks(): void {
  globalThis.TextDecoder = class extends TextDecoder {
    constructor(label?: Bun.Encoding, options?: { fatal?: boolean; ignoreBOM?: boolean }) {
      super(label, { ignoreBOM: true, ...options });
    }
  };
}

/** Unpacking a made cluster takes 60 ms; running initdb takes 3 s and 1 GiB. It appears whole or not at all. */
async function unpackEmptyCluster(target: string): Promise<void> {
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await new Bun.Archive(await (await emptyCluster()).arrayBuffer()).extract(unfinished);
  await rename(unfinished, target);
}
