/** Versions before this one, out of the history of the repository. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './folder.ts';

const ROOT = join(import.meta.dir, '../..');

/** Versions that may serve beside this one while it replaces them. */
export const OLDER_VERSIONS = {
  /** Has neither `start_date` nor what came after it. */
  b490049: 'b490049cbc7fa6af63bb0c46a0a6d1e5e8816978',
  '446bc70': '446bc704bb948a13a4ff828c65f3e6e67646fcf6',
} as const;

export type OlderVersion = keyof typeof OLDER_VERSIONS;

/** Whether this clone has the version; a shallow one has none, and says so. */
export function hasVersion(version: OlderVersion): boolean {
  const { exitCode } = Bun.spawnSync(['git', 'cat-file', '-e', `${OLDER_VERSIONS[version]}^{commit}`], { cwd: ROOT });
  if (exitCode !== 0)
    console.warn(
      `The upgrade from ${version} is not tested here: this clone lacks it (git fetch --unshallow brings it).`,
    );
  return exitCode === 0;
}

/**
 * Unpacks a version, beside the dependencies of this one.
 * @returns its main file
 */
export async function unpackVersion(version: OlderVersion) {
  const { folder, remove } = await makeFolder();
  const code = join(folder, version);
  await mkdir(code);
  const archive = Bun.spawn(['git', 'archive', OLDER_VERSIONS[version], 'src', 'drizzle', 'package.json'], {
    cwd: ROOT,
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const unpack = Bun.spawn(['tar', '-x', '-C', code], { stdin: archive.stdout, stderr: 'pipe' });
  if ((await archive.exited) !== 0 || (await unpack.exited) !== 0)
    throw new Error(`${version} cannot be unpacked: ${await new Response(archive.stderr).text()}`);
  await symlink(join(ROOT, 'node_modules'), join(code, 'node_modules'));
  return { main: join(code, 'src/main.ts'), remove };
}
