/** The folder that PostgreSQL keeps its files in: made, and checked, before it is opened. */
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { dataDir as emptyCluster } from '@electric-sql/pglite-prepopulatedfs';
import { syncFolder, syncTree } from './sync.ts';

/** The major version of PostgreSQL that PGlite is; a folder of another one cannot be read. */
const VERSION = '18';

/** The folder holds no database that this version can open. */
export class UnusableFolder extends Error {
  override name = 'UnusableFolder';
}

/**
 * Makes `cluster` if it is missing; a process that is killed, or a power cut, leaves it whole or not there. The caller
 * holds the lock of the folder around it.
 * @param sync whether it must survive a power cut
 * @throws UnusableFolder when another version of PostgreSQL made it
 */
export async function prepareCluster(cluster: string, sync: boolean): Promise<void> {
  const version = Bun.file(join(cluster, 'PG_VERSION'));
  if (!(await version.exists())) return unpackEmptyCluster(cluster, sync);
  const found = (await version.text()).trim();
  if (found !== VERSION)
    throw new UnusableFolder(
      `${cluster} is not of PostgreSQL ${VERSION} but of "${found.slice(0, 20)}"; start the version of this service that made it, or restore a back-up`,
    );
  // It names the process that had it open. The lock of the folder says better whether there is one, and PostgreSQL
  // does not start when a power cut has emptied the file.
  await rm(join(cluster, 'postmaster.pid'), { force: true });
}

/** Unpacking a made cluster takes 60 ms, and syncing it 0.7 s; running initdb takes 3 s and 1 GiB. */
async function unpackEmptyCluster(target: string, sync: boolean): Promise<void> {
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await new Bun.Archive(await (await emptyCluster()).arrayBuffer()).extract(unfinished);
  if (sync) await syncTree(unfinished);
  await rename(unfinished, target);
  if (sync) syncFolder(dirname(target));
}
