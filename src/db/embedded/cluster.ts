/** Makes the folder of PostgreSQL's files, or checks it, before PGlite opens it. */
import { constants } from 'node:fs';
import { access, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataDir as emptyCluster } from '@electric-sql/pglite-prepopulatedfs';
import { OperatorError } from '../../errors.ts';
import { UnusableFolder } from './errors.ts';
import { syncFolder, syncTree } from './sync.ts';

/** The major version of PostgreSQL in PGlite, which reads no folder of another one. */
const VERSION = '18';

/**
 * Makes `cluster` if it is missing; a process that is killed, or a power cut, leaves it whole or not there. The caller
 * holds the lock of the folder around it.
 * @param sync whether it must survive a power cut
 * @throws UnusableFolder when it is not a cluster of this version of PostgreSQL
 */
export async function prepareCluster(cluster: string, sync: boolean): Promise<void> {
  const names = await readdir(cluster).catch((error): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (names.length === 0) return unpackEmptyCluster(cluster, sync);
  // Bun's `rm` below keeps silent when it may not remove a file.
  await access(cluster, constants.W_OK);
  if (!names.includes('PG_VERSION')) throw new UnusableFolder(cluster, 'it has no file PG_VERSION');
  const version = (await Bun.file(join(cluster, 'PG_VERSION')).text()).trim();
  if (version !== VERSION)
    throw new UnusableFolder(cluster, `it is of PostgreSQL ${version.slice(0, 20)}, and this is ${VERSION}`);
  // PostgreSQL does not start when a power cut has emptied this file. Our lock tells better whether anyone is here.
  await rm(join(cluster, 'postmaster.pid'), { force: true });
}

/** Unpacking a made cluster takes 60 ms, and syncing it 0.7 s; running initdb takes 3 s and 1 GiB. */
async function unpackEmptyCluster(target: string, sync: boolean): Promise<void> {
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const archive = new Bun.Archive(await (await emptyCluster()).arrayBuffer());
  await archive.extract(unfinished).catch((error) => {
    throw new OperatorError(
      `No database can be made in ${dirname(target)}: ${error.message}\nMake room on the disk, at least 100 MB, or set DATA_DIR to another folder.`,
    );
  });
  if (sync) await syncTree(unfinished);
  await rename(unfinished, target);
  if (sync) syncFolder(dirname(target));
}
