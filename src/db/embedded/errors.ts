/** Errors that whoever starts the service can mend. They stand apart, so that to know them does not load PGlite. */
import { OperatorError } from '../../errors.ts';

/** The folder holds no database that this version can open. */
export class UnusableFolder extends OperatorError {
  constructor(folder: string, reason: string) {
    super(`The database in ${folder} cannot be opened: ${reason}; see "Back-up and restore" in docs/operations.md`);
  }
}

/** Nothing was copied; the message says what to do instead. */
export class BackupRefused extends OperatorError {}

/** @returns an OperatorError when the system refused what was asked of the folder, else the error itself */
export function explainRefusal(error: unknown, folder: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const advice = ADVICE[code ?? ''];
  return advice ? new OperatorError(`The folder ${folder} cannot be used: ${message}\n${advice}`) : error;
}

/** Explains PostgreSQL's own last words on a folder; undefined when it said nothing. */
export function explainReason(reason: string, cluster: string): OperatorError | undefined {
  if (reason === '') return undefined;
  const code = Object.keys(SAID).find((code) => reason.endsWith(SAID[code] as string));
  if (code) return new OperatorError(`The folder ${cluster} cannot be used: ${reason}\n${ADVICE[code]}`);
  return new UnusableFolder(cluster, reason);
}

const SAID: Record<string, string> = {
  EACCES: 'Permission denied',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
};

const ADVICE: Record<string, string> = {
  EACCES: mayNot(),
  EPERM: mayNot(),
  EROFS: 'It is on a read-only file system: set DATA_DIR to a folder that can be written.',
  ENOSPC: 'The disk is full: make room.',
  EDQUOT: 'The disk quota is used up: make room.',
  ENOENT: 'A folder cannot be made there: set DATA_DIR to another folder.',
  EEXIST: 'There is a file where a folder must be: set DATA_DIR to another folder.',
  ENOTDIR: 'There is a file where a folder must be: set DATA_DIR to another folder.',
};

function mayNot(): string {
  const user = process.getuid ? `uid ${process.getuid()}` : 'the user of this process';
  return `Give the folder and all in it to ${user} (chown -R), or set DATA_DIR to another folder.`;
}
