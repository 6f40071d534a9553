import { dlopen } from 'bun:ffi';
import { closeSync, openSync } from 'node:fs';
import { join, toNamespacedPath } from 'node:path';
import { OperatorError } from '../errors.ts';

export class FolderInUse extends OperatorError {}

/**
 * Claims a folder for this process, in a way that the kernel undoes when the process ends, however it ends, and that
 * holds between containers on one volume. A file with a process id would do neither.
 * @returns a function that gives the folder back.
 * @throws FolderInUse at once when another process holds it.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lock');
  const unlock = process.platform === 'win32' ? openAlone(path) : lockFile(path);
  if (unlock) return unlock;
  throw new FolderInUse(`${folder} is in use by another process; stop it, or give this one its own DATA_DIR`);
}

const EXCLUSIVE_WITHOUT_WAITING = 2 | 4;

/** With flock(2). */
function lockFile(path: string): (() => void) | undefined {
  const { flock } = openLibc().symbols;
  const file = openSync(path, 'a');
  const unlock = () => closeSync(file);
  if (flock(file, EXCLUSIVE_WITHOUT_WAITING) === 0) return unlock;
  unlock();
  return undefined;
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

const WINDOWS = { write: 0x4000_0000, sharedWithNobody: 0, openOrCreate: 4, normal: 0x80, invalid: -1n };

/**
 * Windows opens a file a second time only if the first one shares it. Node cannot ask for that: Bun leaves out libuv's
 * UV_FS_O_EXLOCK.
 */
function openAlone(path: string): (() => void) | undefined {
  const { CreateFileW, CloseHandle } = dlopen('kernel32.dll', {
    CreateFileW: { args: ['ptr', 'u32', 'u32', 'ptr', 'u32', 'u32', 'ptr'], returns: 'i64' },
    CloseHandle: { args: ['i64'], returns: 'i32' },
  }).symbols;
  const { write, sharedWithNobody, openOrCreate, normal, invalid } = WINDOWS;
  const name = Buffer.from(`${toNamespacedPath(path)}\0`, 'utf16le');
  const file = CreateFileW(name, write, sharedWithNobody, null, openOrCreate, normal, null);
  if (file !== invalid) return () => void CloseHandle(file);
  try {
    // The reason, which another call between may have overwritten.
    closeSync(openSync(path, 'a'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
  }
  return undefined;
}
