/** How long it takes until the first answer. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from './image.ts';
import { fixed, median, type Section, whole } from './report.ts';
import { BY_HAND, SERVICE, startServer } from './servers.ts';

const STARTS = 5;

/** @param dataDir a folder that PGlite has filled */
export async function measureStarts(image: Image, url: string, dataDir: string): Promise<Section> {
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
    about: `From the start of the process to its first answer out of the database, and its memory half a second later, medians of ${STARTS} starts.`,
    columns: ['', 'milliseconds', 'MiB'],
    rows: rows.map(([name], index) => [name, whole(median(times[index] ?? [])), fixed(median(memory[index] ?? []), 0)]),
  };
}
