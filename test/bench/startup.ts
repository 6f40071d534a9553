/** How long it takes until the first answer. */
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixed, median, type Section, whole } from './report.ts';
import { BY_HAND, SERVICE, startServer } from './servers.ts';

const ROOT = join(import.meta.dir, '../..');
const STARTS = 5;

/** @param dataDir a folder that PGlite has filled */
export async function measureStarts(url: string, dataDir: string): Promise<Section> {
  await using image = await buildLikeImage();
  const postgres = { DATABASE_URL: url };
  const rows: [string, string[], () => Promise<Record<string, string>>][] = [
    ['by hand, PostgreSQL', BY_HAND, async () => postgres],
    ['source, PostgreSQL', SERVICE, async () => postgres],
    ['image, PostgreSQL', image.command, async () => postgres],
    ['source, PGlite', SERVICE, async () => ({ DATA_DIR: dataDir })],
    ['image, PGlite', image.command, async () => ({ DATA_DIR: dataDir })],
    [
      'image, PGlite, first start ever',
      image.command,
      async () => ({ DATA_DIR: await mkdtemp(join(image.folder, 'data-')) }),
    ],
  ];
  const times = rows.map((): number[] => []);
  const memory = rows.map((): number[] => []);
  for (let start = 0; start < STARTS; start += 1) {
    for (const [index, [, command, env]] of rows.entries()) {
      await using server = await startServer(command, await env());
      times[index]?.push(server.startMs);
      // What the start left behind is let go of soon after.
      await Bun.sleep(500);
      memory[index]?.push(server.memoryMiB().now);
    }
  }
  return {
    title: 'Start',
    about: `From the start of the process to its first answer out of the database, and its memory half a second later, medians of ${STARTS} starts. "Image" is the bundle that the image runs, without the container.`,
    columns: ['', 'milliseconds', 'MiB'],
    rows: rows.map(([name], index) => [name, whole(median(times[index] ?? [])), fixed(median(memory[index] ?? []), 0)]),
  };
}

/** Builds the bundle by the command in the Dockerfile, and puts beside it what the image has beside it. */
async function buildLikeImage() {
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
    command: ['bun', join(dist, 'main.js')],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}
