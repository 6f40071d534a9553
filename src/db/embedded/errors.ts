/** Errors that whoever starts the service can act on. They stand apart, so that to know them does not load PGlite. */

/** The folder holds no database that this version can open. */
export class UnusableFolder extends Error {
  override name = 'UnusableFolder';

  constructor(folder: string, reason: string) {
    super(`The database in ${folder} cannot be opened: ${reason}; see "Back-up and restore" in docs/operations.md`);
  }
}

/** Nothing was copied; the message says what to do instead. */
export class BackupRefused extends Error {
  override name = 'BackupRefused';
}
