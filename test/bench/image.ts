/** What the image runs, without the container. */
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVICE } from './servers.ts';

const ROOT = join(import.meta.dir, '../..');

export type Image = Awaited<ReturnType<typeof buildLikeImage>>;

/** Builds the bundle by the command in the Dockerfile, and puts beside it what the image has beside it. */
export async function buildLikeImage() {
  const folder = await mkdtemp(join(tmpdir(), 'todo-api-bench-image-'));
  const dist = join(folder, 'server/dist');
  const build = /^RUN (bun build .*) --outdir=\S+$/m.exec(await Bun.file(join(ROOT, 'Dockerfile')).text())?.[1];
  if (!build) throw new Error('The Dockerfile has no line "RUN bun build … --outdir=…" any more.');
  await Bun.$`${{ raw: build }} --outdir=${dist}`.cwd(ROOT).quiet();
  const modules = join(ROOT, 'node_modules');
  const files = ['pglite/dist/pglite.wasm', 'pglite/dist/pglite.data', 'pglite/dist/initdb.wasm'];
  for (const file of [...files, 'pglite-prepopulatedfs/dist/prepopulatedfs.tgz'])
    await cp(join(modules, '@electric-sql', file), join(dist, file.replace(/^.*\//, '')));
  await mkdir(join(folder, 'node_modules'));
  await symlink(join(modules, 'swagger-ui-dist'), join(folder, 'node_modules/swagger-ui-dist'));
  await symlink(join(ROOT, 'drizzle'), join(folder, 'drizzle'));
  return {
    folder,
    command: SERVICE.with(-1, join(dist, 'main.js')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
