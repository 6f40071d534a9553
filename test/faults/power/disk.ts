/**
 * A disk as a power cut would leave it. It is told what a process did to a folder, and keeps apart what was synced, which
 * a power cut must leave alone, and what was not, of which any part may be lost: that is all that POSIX promises.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Operation } from './trace.ts';

/** A disk writes these whole or not at all. */
const SECTOR = 512;

/** How much of what was not synced the disk has written: decides anew for each change of a name and each sector. */
export interface Luck {
  name: () => boolean;
  sector: () => boolean;
}

interface File {
  synced: Uint8Array;
  /** Since the last sync, in order; one without bytes sets the size. */
  changes: { offset: number; bytes?: Uint8Array }[];
  size: number;
}

interface Folder {
  names: Map<string, Entry>;
  synced: Map<string, Entry>;
  /** Since the last sync, in order; a rename is one. */
  changes: { removed?: string; added?: [string, Entry] }[];
}

type Entry = File | Folder;

const isFolder = (entry: Entry | undefined): entry is Folder => entry !== undefined && 'names' in entry;
const newFolder = (): Folder => ({ names: new Map(), synced: new Map(), changes: [] });

export class Disk {
  readonly #root = newFolder();
  readonly #positions = new Map<number, number>();

  /** A disk on which all of a folder is synced. */
  static async holding(folder: string): Promise<Disk> {
    const disk = new Disk();
    await load(folder, disk.#root);
    return disk;
  }

  /** Paths are relative to the folder. */
  apply(operation: Operation): void {
    switch (operation.kind) {
      case 'open': {
        const { path, descriptor, creates, truncates } = operation;
        this.#positions.set(descriptor, 0);
        if (creates && !this.#find(path)) this.#add(path, { synced: new Uint8Array(), changes: [], size: 0 });
        if (truncates) this.#resize(path, 0);
        return;
      }
      case 'make folder':
        this.#add(operation.path, newFolder());
        return;
      case 'write':
        this.#write(operation);
        return;
      case 'seek':
        this.#positions.set(operation.descriptor, operation.offset);
        return;
      case 'resize':
        this.#resize(operation.path, operation.size);
        return;
      case 'remove': {
        const [folder, name] = this.#place(operation.path);
        folder.names.delete(name);
        folder.changes.push({ removed: name });
        return;
      }
      case 'rename': {
        const [folder, from] = this.#place(operation.from);
        const [other, to] = this.#place(operation.to);
        if (other !== folder) throw new Error('A rename from folder to folder would need a model of its own.');
        const entry = folder.names.get(from) as Entry;
        folder.names.delete(from);
        folder.names.set(to, entry);
        folder.changes.push({ removed: from, added: [to, entry] });
        return;
      }
      case 'sync':
        this.#sync(operation.path);
    }
  }

  /** Writes the folder as a power cut would leave it now. */
  async leave(folder: string, luck: Luck): Promise<void> {
    await leave(folder, this.#root, luck);
  }

  #write({ path, descriptor, offset, bytes }: Extract<Operation, { kind: 'write' }>): void {
    const at = offset ?? this.#positions.get(descriptor) ?? 0;
    if (offset === undefined) this.#positions.set(descriptor, at + bytes.length);
    const file = this.#find(path);
    // Nobody can find a file again that has been removed.
    if (file === undefined || isFolder(file)) return;
    file.changes.push({ offset: at, bytes });
    file.size = Math.max(file.size, at + bytes.length);
  }

  #resize(path: string, size: number): void {
    const file = this.#find(path);
    if (file === undefined || isFolder(file) || file.size === size) return;
    file.changes.push({ offset: size });
    file.size = size;
  }

  #sync(path: string): void {
    const entry = this.#find(path);
    if (entry === undefined) return;
    if (isFolder(entry)) entry.synced = new Map(entry.names);
    else entry.synced = settled(entry);
    entry.changes = [];
  }

  #add(path: string, entry: Entry): void {
    const [folder, name] = this.#place(path);
    folder.names.set(name, entry);
    folder.changes.push({ added: [name, entry] });
  }

  #find(path: string): Entry | undefined {
    if (path === '') return this.#root;
    const [folder, name] = this.#place(path);
    return folder.names.get(name);
  }

  #place(path: string): [Folder, string] {
    const names = path.split('/');
    const name = names.pop() as string;
    let folder: Entry | undefined = this.#root;
    for (const each of names) folder = isFolder(folder) ? folder.names.get(each) : undefined;
    if (!isFolder(folder)) throw new Error(`Nobody made the folder of ${path}.`);
    return [folder, name];
  }
}

/** All changes made; in place where there is room, for the log is synced by every statement. */
function settled(file: File): Uint8Array {
  const { synced, changes, size } = file;
  if (size !== synced.length || changes.some(({ bytes }) => bytes === undefined)) return contentOf(file, () => true);
  for (const { offset, bytes } of changes) if (bytes) synced.set(bytes, offset);
  return synced;
}

function contentOf({ synced, changes }: File, sector: () => boolean): Uint8Array {
  let size = synced.length;
  const kept: { offset: number; bytes: Uint8Array }[] = [];
  let content = new Uint8Array(synced);
  const settle = () => {
    const settled = new Uint8Array(size);
    settled.set(content.subarray(0, Math.min(size, content.length)));
    for (const { offset, bytes } of kept) settled.set(bytes, offset);
    kept.length = 0;
    content = settled;
  };
  for (const { offset, bytes } of changes) {
    if (bytes === undefined) {
      if (!sector()) continue;
      settle();
      size = offset;
      settle();
      continue;
    }
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + SECTOR - ((offset + from) % SECTOR));
      if (sector()) {
        kept.push({ offset: offset + from, bytes: bytes.subarray(from, to) });
        size = Math.max(size, offset + to);
      }
      from = to;
    }
  }
  settle();
  return content;
}

function namesOf({ synced, changes }: Folder, name: () => boolean): Map<string, Entry> {
  const names = new Map(synced);
  for (const { removed, added } of changes) {
    if (!name()) continue;
    if (removed !== undefined) names.delete(removed);
    if (added) names.set(...added);
  }
  return names;
}

async function leave(path: string, folder: Folder, luck: Luck): Promise<void> {
  await mkdir(path, { recursive: true });
  for (const [name, entry] of namesOf(folder, luck.name)) {
    const target = join(path, name);
    if (isFolder(entry)) await leave(target, entry, luck);
    else await writeFile(target, contentOf(entry, luck.sector));
  }
}

async function load(path: string, folder: Folder): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const target = join(path, entry.name);
    if (entry.isDirectory()) {
      const inner = newFolder();
      folder.names.set(entry.name, inner);
      await load(target, inner);
    } else {
      const synced = new Uint8Array(await readFile(target));
      folder.names.set(entry.name, { synced, changes: [], size: synced.length });
    }
  }
  folder.synced = new Map(folder.names);
}
