import { dlopen } from 'bun:ffi';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

export class FolderInUse extends Error {
  override name = 'FolderInUse';
}

/**
 * Claims a folder for this process until it ends, however it ends, also between containers on one volume. A file with a
 * process id would do neither.
 * @returns a function that gives the folder back.
 * @throws FolderInUse at once when another process holds it.
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock');
  const unlock = process.platform === 'win32' ? openAlone(file) : lockFile(file);
  if (!unlock)
    throw new FolderInUse(`${folder} is in use by another process; stop it, or give this one its own DATA_DIR`);
  return unlock;
}

const EXCLUSIVE_WITHOUT_WAITING = 2 | 4;

/** flock(2), which the kernel undoes when the process ends. */
function lockFile(path: string): (() => void) | undefined {
  const file = openSync(path, 'a');
  if (openLibc().symbols.flock(file, EXCLUSIVE_WITHOUT_WAITING) === 0) return () => closeSync(file);
  closeSync(file);
  return undefined;
}

/** The C library: of macOS, of most Linuxes, of those on musl such as Alpine. */
function openLibc() {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const names =
    process.platform === 'darwin' ? ['libSystem.B.dylib'] : ['libc.so.6', `libc.musl-${machine}.so.1`, 'libc.so'];
  for (const name of names) {
    try {
      return dlopen(name, { flock: { args: ['i32', 'i32'], returns: 'i32' } });
    } catch {
      // Another name.
    }
  }
  throw new Error(`There is none of ${names.join(', ')}, which locks the folder of the database.`);
}

/** Windows opens a file for one process alone until that ends. Not tried there. */
function openAlone(path: string): (() => void) | undefined {
  const { symbols } = dlopen('kernel32.dll', {
    CreateFileW: { args: ['ptr', 'u32', 'u32', 'ptr', 'u32', 'u32', 'ptr'], returns: 'i64' },
    CloseHandle: { args: ['i64'], returns: 'i32' },
  });
  const [GENERIC_WRITE, SHARED_WITH_NOBODY, OPEN_ALWAYS, NORMAL] = [0x40000000, 0, 4, 0x80];
  const name = Buffer.from(`${path}\0`, 'utf16le');
  const handle = symbols.CreateFileW(name, GENERIC_WRITE, SHARED_WITH_NOBODY, null, OPEN_ALWAYS, NORMAL, null);
  return handle === -1n ? undefined : () => void symbols.CloseHandle(handle);
}
