import { dlopen } from 'bun:ffi';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

export class FolderInUse extends Error {
  override name = 'FolderInUse';
}

const EXCLUSIVE_WITHOUT_WAITING = 2 | 4;

/**
 * Claims a folder for this process with flock(2), which the kernel drops when the process ends, however it ends, and
 * which holds between containers on one volume. A file with a process id would do neither.
 * @returns a function that gives the folder back.
 * @throws FolderInUse at once when another process holds it.
 */
export function lockFolder(folder: string): () => void {
  const libc = dlopen(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6', {
    flock: { args: ['i32', 'i32'], returns: 'i32' },
  });
  const file = openSync(join(folder, 'lock'), 'a');
  if (libc.symbols.flock(file, EXCLUSIVE_WITHOUT_WAITING) !== 0) {
    closeSync(file);
    throw new FolderInUse(`${folder} is in use by another process; stop it, or give this one its own DATA_DIR`);
  }
  return () => closeSync(file);
}
