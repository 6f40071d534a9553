/**
 * Copies the cluster while it is in use, as PostgreSQL's own pg_basebackup does: between the two calls that begin and end
 * a back-up the log keeps all that the copied files may lack, and goes into the copy after them.
 */
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Drizzle } from '../driver.ts';
import { endBackup, startBackup } from '../expressions.ts';
import { rowsOf } from './connection.ts';
import { BackupRefused } from './errors.ts';
import { makeFolder, syncFolder, syncTree } from './sync.ts';

/**
 * Whoever calls makes sure that no checkpoint removes files of the log meanwhile. The copy appears whole or not at all.
 * @throws BackupRefused when there is something at `folder`
 */
export async function backUp(db: Drizzle, cluster: string, folder: string): Promise<void> {
  if (await stat(folder).catch(() => undefined)) throw new BackupRefused(`There is something at ${folder} already.`);
  await makeFolder(dirname(folder));
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const copy = join(unfinished, 'postgres');
  await db.execute(startBackup('todo-api'));
  let ended: BackupEnd | undefined;
  try {
    await copyTree(cluster, copy);
  } finally {
    [ended] = rowsOf<BackupEnd>(await db.execute(endBackup()));
  }
  if (!ended) throw new Error('PostgreSQL did not end the back-up.');
  await copyLog(join(cluster, 'pg_wal'), join(copy, 'pg_wal'), ended);
  await writeFile(join(copy, 'backup_label'), ended.label);
  await syncTree(unfinished);
  await rename(unfinished, folder);
  syncFolder(dirname(folder));
}

interface BackupEnd {
  /** Where the log begins that the copy needs; PostgreSQL reads it at the first start. */
  label: string;
  /** The last file of the log that it needs. */
  last: string;
}

/** Made anew by each start, or copied when all else has been. */
const LEFT_OUT = new Set([
  'postmaster.pid',
  'pg_wal',
  'pg_stat_tmp',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_subtrans',
]);

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (LEFT_OUT.has(entry.name)) await mkdir(target);
      else await copyTree(source, target);
    } else if (!LEFT_OUT.has(entry.name)) {
      // A file that has gone since was removed by a statement that the log has as well.
      await copyFile(source, target).catch((error) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  }
}

/** The files of the log are named in their order. */
async function copyLog(from: string, to: string, { label, last }: BackupEnd): Promise<void> {
  const first = /\(file ([0-9A-F]{24})\)/.exec(label)?.[1];
  if (!first) throw new Error('PostgreSQL did not say where the log of the back-up begins.');
  const names = (await readdir(from)).filter((name) => /^[0-9A-F]{24}$/.test(name) && name >= first && name <= last);
  for (const name of names) await copyFile(join(from, name), join(to, name));
  for (const folder of ['archive_status', 'summaries']) await mkdir(join(to, folder));
}
