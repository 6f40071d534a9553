import { PGlite } from '@electric-sql/pglite';

/** The command line of PostgreSQL, from PGlite's own. */
export function startParameters(sync: boolean): string[] {
  const given = PGlite.defaultStartParams.filter((parameter) => parameter !== '-F');
  return [
    ...given,
    ...(sync ? [] : ['-F']),
    ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

const SETTINGS = {
  fsync: 'on',
  // fdatasync, which PostgreSQL would use, does nothing in PGlite.
  wal_sync_method: 'fsync',
  // 110 MiB less than with the 128 MB that are usual, and no slower: the operating system caches the files as well.
  shared_buffers: '16MB',
  // What is planned for a small table as a reading of all of it is kept for the large one that it becomes.
  enable_seqscan: 'off',
};
