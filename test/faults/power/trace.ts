/**
 * What a process did to a folder, and what it answered, in the order in which the kernel saw it: read from the output of
 * strace, so that nothing in the process can leave anything out.
 */
import { join } from 'node:path';

export type Operation =
  | { kind: 'open'; path: string; descriptor: number; creates: boolean; truncates: boolean }
  | { kind: 'write'; path: string; descriptor: number; offset: number | undefined; bytes: Uint8Array }
  | { kind: 'seek'; descriptor: number; offset: number }
  | { kind: 'resize'; path: string; size: number }
  | { kind: 'sync'; path: string }
  | { kind: 'rename'; from: string; to: string }
  | { kind: 'make folder' | 'remove'; path: string };

/** Bytes that left the process through a socket. */
export interface Answer {
  kind: 'answer';
  text: string;
}

const CALLS = {
  open: ['open', 'openat', 'creat'],
  write: ['write', 'pwrite64'],
  seek: ['lseek'],
  resize: ['truncate', 'ftruncate'],
  sync: ['fsync', 'fdatasync'],
  rename: ['rename', 'renameat', 'renameat2'],
  folder: ['mkdir', 'mkdirat'],
  remove: ['unlink', 'unlinkat', 'rmdir'],
  answer: ['sendto', 'sendmsg', 'writev'],
  // Not understood below: a process that uses one on the folder stops the test.
  other: [
    'pwritev',
    'pwritev2',
    'fallocate',
    'copy_file_range',
    'sendfile',
    'splice',
    'link',
    'linkat',
    'symlink',
    'symlinkat',
    'sync_file_range',
  ],
};

/** The command that runs another one and writes down what it does. */
export function straced(command: string[], trace: string): string[] {
  const calls = Object.values(CALLS).flat();
  return [
    'strace',
    '-f',
    '-y',
    '-s',
    String(2 ** 26),
    '-o',
    trace,
    '--seccomp-bpf',
    '-e',
    `trace=${calls}`,
    '-e',
    'signal=none',
    ...command,
  ];
}

/** @param folder whose operations are wanted; their paths are relative to it */
export async function* readTrace(trace: string, folder: string): AsyncGenerator<Operation | Answer> {
  const unfinished = new Map<string, Buffer>();
  for await (const line of linesOf(trace)) {
    const space = line.indexOf(' ');
    const thread = line.toString('latin1', 0, space);
    let call = line.subarray(space).subarray(line.subarray(space).findIndex((byte) => byte !== 0x20));
    if (call.subarray(0, 5).toString('latin1') === '<... ') {
      const start = unfinished.get(thread);
      unfinished.delete(thread);
      if (!start) continue;
      call = Buffer.concat([start, call.subarray(call.indexOf(' resumed>') + ' resumed>'.length)]);
    } else if (call.subarray(-UNFINISHED.length).toString('latin1') === UNFINISHED) {
      unfinished.set(thread, Buffer.from(call.subarray(0, -UNFINISHED.length)));
      continue;
    }
    const understood = understand(call, folder);
    if (understood) yield understood;
  }
}

const UNFINISHED = ' <unfinished ...>';

function understand(call: Buffer, folder: string): Operation | Answer | undefined {
  const name = call.toString('latin1', 0, call.indexOf('('));
  const isOneOf = (calls: string[]) => calls.includes(name);
  const result = Number(/\) += (-?\d+|\?)/.exec(call.toString('latin1', Math.max(0, call.length - 400)))?.[1]);
  if (Number.isNaN(result) || result < 0) return;
  if (isOneOf(CALLS.answer)) {
    const strings = [...stringsIn(call)];
    return { kind: 'answer', text: Buffer.concat(strings).toString() };
  }
  // The first argument: a descriptor, with its path, or a path in quotes.
  const opened = /^\w+\((\d+)<((?:[^>\\]|\\.)*)>/.exec(call.toString('latin1', 0, 2000));
  const descriptor = Number(opened?.[1]);
  const path = opened && within(unescapePath(opened[2] as string), folder);
  if (isOneOf(CALLS.write)) {
    if (path == null) return;
    const [bytes = Buffer.alloc(0)] = stringsIn(call);
    if (bytes.length < result) throw new Error(`strace shows ${bytes.length} of ${result} bytes`);
    const offset =
      name === 'pwrite64'
        ? Number(/, (\d+)\) += \d+$/.exec(call.toString('latin1', call.length - 60))?.[1])
        : undefined;
    return { kind: 'write', path, descriptor, offset, bytes: new Uint8Array(bytes.subarray(0, result)) };
  }
  const text = call.toString('latin1');
  if (isOneOf(CALLS.open)) {
    // The path that the kernel found, behind the new descriptor.
    const [, number, found = ''] = /\) += (\d+)<((?:[^>\\]|\\.)*)>(?:\(deleted\))?$/.exec(text) ?? [];
    const path = within(unescapePath(found), folder);
    if (path == null || text.includes('O_DIRECTORY')) return;
    return {
      kind: 'open',
      path,
      descriptor: Number(number),
      creates: text.includes('O_CREAT'),
      truncates: text.includes('O_TRUNC'),
    };
  }
  if (isOneOf(CALLS.rename) || isOneOf(CALLS.folder) || isOneOf(CALLS.remove)) {
    const [from, to] = pathsIn(text).map((path) => within(path, folder));
    if (from == null) return;
    if (isOneOf(CALLS.folder)) return { kind: 'make folder', path: from };
    if (isOneOf(CALLS.remove)) return { kind: 'remove', path: from };
    if (to == null) throw new Error(`Not understood: ${text}`);
    return { kind: 'rename', from, to };
  }
  if (path == null) {
    if (text.includes(`"${folder}`)) throw new Error(`Not understood: ${text}`);
    return;
  }
  // Out of the folder, into a back-up.
  const target = /, \d+<([^>]*)>/.exec(text)?.[1];
  if (name === 'copy_file_range' && target && within(target, folder) === undefined) return;
  if (isOneOf(CALLS.sync)) return { kind: 'sync', path };
  if (isOneOf(CALLS.seek)) return { kind: 'seek', descriptor, offset: result };
  if (name === 'ftruncate') return { kind: 'resize', path, size: Number(/, (\d+)\)/.exec(text)?.[1]) };
  throw new Error(`Not understood: ${text.slice(0, 300)}`);
}

/** The path relative to the folder, '' for the folder itself; undefined outside it. */
function within(path: string, folder: string): string | undefined {
  if (path === folder) return '';
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).replace(/\/+$/, '') : undefined;
}

/** The paths among the arguments of a call, those of the …at calls resolved. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)].map(([, base = '', path = '']) =>
    path.startsWith('/') ? path : join(base, path),
  );
}

const unescapePath = (path: string) => path.replace(/\\(.)/g, '$1');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ESCAPES: Record<string, number> = { n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8 };

/** The strings among the arguments, their escapes resolved. */
function* stringsIn(call: Buffer): Generator<Buffer> {
  for (let at = call.indexOf(QUOTE); at >= 0; at = call.indexOf(QUOTE, at)) {
    const bytes = Buffer.alloc(call.length - at);
    let length = 0;
    for (at += 1; call[at] !== QUOTE; ) {
      const byte = call[at++] as number;
      if (byte !== BACKSLASH) {
        bytes[length++] = byte;
        continue;
      }
      const escaped = call[at++] as number;
      if (escaped < 0x30 || escaped > 0x37) {
        bytes[length++] = ESCAPES[String.fromCharCode(escaped)] ?? escaped;
        continue;
      }
      let value = escaped - 0x30;
      for (let digits = 1; digits < 3 && (call[at] as number) >= 0x30 && (call[at] as number) <= 0x37; digits += 1)
        value = value * 8 + (call[at++] as number) - 0x30;
      bytes[length++] = value;
    }
    at += 1;
    yield bytes.subarray(0, length);
  }
}

async function* linesOf(path: string): AsyncGenerator<Buffer> {
  // A line may be longer than many chunks.
  let started: Uint8Array[] = [];
  for await (const chunk of Bun.file(path).stream()) {
    const bytes = Buffer.from(chunk);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const line = bytes.subarray(start, end);
      yield started.length > 0 ? Buffer.concat([...started, line]) : line;
      started = [];
      start = end + 1;
    }
    if (start < bytes.length) started.push(bytes.subarray(start));
  }
}
