import { dlopen } from 'bun:ffi';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';

export class FolderInUse extends OperatorError {}

const EXCLUSIVE_WITHOUT_WAITING = 2 | 4;

/**
 * Claims a folder for this process with flock(2), which the kernel drops when the process ends, however it ends, and
 * which holds between containers on one volume. A file with a process id would do neither.
 * @returns a function that gives the folder back.
 * @throws FolderInUse at once when another process holds it.
 */
export function lockFolder(folder: string): () => void {
  const { flock } = openLibc().symbols;
  const file = openSync(join(folder, 'lock'), 'a');
  if (flock(file, EXCLUSIVE_WITHOUT_WAITING) !== 0) {
    closeSync(file);
    throw new FolderInUse(`${folder} is in use by another process; stop it, or give this one its own DATA_DIR`);
  }
  return () => closeSync(file);
}

/** The C library: of macOS, of most Linux systems, of those on musl such as Alpine. */
function openLibc() {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const names = process.platform === 'darwin' ? ['libSystem.B.dylib'] : ['libc.so.6', `libc.musl-${machine}.so.1`];
  for (const name of names) {
    try {
      return dlopen(name, { flock: { args: ['i32', 'i32'], returns: 'i32' } });
    } catch {
      // Try the next name.
    }
  }
  throw new Error(`Cannot lock the folder of the database: this system has no ${names.join(' or ')}.`);
}
