/** The file system of the embedded database, with the fsync that PGlite's own lacks. */
import { fsyncSync } from 'node:fs';
import { dirname } from 'node:path';
import type { PGlite, postgresMod } from '@electric-sql/pglite';
import { NodeFS } from '@electric-sql/pglite/nodefs';
import { CAN_SYNC_FOLDERS, syncFile, syncFolder } from './sync.ts';

/** The parts of Emscripten's file system in Node that are used here. */
interface NodeFolderSystem {
  isDir(mode: number): boolean;
}
interface Node {
  mode: number;
}
interface Stream {
  node: Node;
  /** The file descriptor of the operating system. */
  nfd: number;
}
interface Nodefs {
  realPath(node: Node): string;
  /** Turns an error of Node into the errno that PostgreSQL waits for. */
  tryFSOperation<T>(operation: () => T): T;
  stream_ops: { fsync?: (stream: Stream) => number };
  node_ops: {
    mknod(parent: Node, name: string, mode: number, device: number): Node;
    rename(node: Node, folder: Node, name: string): void;
  };
}

/**
 * What PostgreSQL syncs is on the disk before it goes on. PGlite's own file system has no fsync, which Emscripten takes
 * for success; its fdatasync cannot be given one, so the server must run with `wal_sync_method=fsync`.
 */
export class DurableFS extends NodeFS {
  override async init(pg: PGlite, options: Partial<postgresMod.PostgresMod>): ReturnType<NodeFS['init']> {
    const sync = (module: postgresMod.PostgresMod) => addSync(module.NODEFS as unknown as Nodefs, module.FS);
    return super.init(pg, { ...options, preRun: [...(options.preRun ?? []), sync] });
  }
}

function addSync(nodefs: Nodefs, { isDir }: NodeFolderSystem): void {
  const { realPath, node_ops, stream_ops } = nodefs;
  const { mknod, rename } = node_ops;
  /** Folders with names that are not yet on the disk. PostgreSQL syncs the files that it makes for a table, not these. */
  const withNewNames = new Set<string>();

  node_ops.mknod = (parent, name, mode, device) => {
    const node = mknod(parent, name, mode, device);
    withNewNames.add(realPath(parent));
    return node;
  };
  node_ops.rename = (node, folder, name) => {
    rename(node, folder, name);
    withNewNames.add(realPath(folder));
  };
  function sync({ node, nfd }: Stream): void {
    const path = realPath(node);
    if (isDir(node.mode)) {
      if (CAN_SYNC_FOLDERS) fsyncSync(nfd);
      withNewNames.delete(path);
      return;
    }
    syncFile(nfd);
    const folder = dirname(path);
    if (!withNewNames.has(folder)) return;
    syncFolder(folder);
    withNewNames.delete(folder);
  }

  stream_ops.fsync = (stream) => {
    nodefs.tryFSOperation(() => sync(stream));
    return 0;
  };
}
