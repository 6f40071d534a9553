/** `bun run bench`: measures the service and writes RESULTS.md beside this file. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, measureAlone } from './comparison.ts';
import { copyOfPglite, startPostgres } from './databases.ts';
import { buildLikeImage } from './image.ts';
import { measureProcesses } from './processes.ts';
import { describeMachine, type Section, toMarkdown } from './report.ts';
import { DATA, scenarios } from './scenarios.ts';
import { BY_HAND, SERVICE, startServer } from './servers.ts';
import { measureStarts } from './startup.ts';
import { measureTableSizes } from './table-size.ts';

const USAGE = `Usage: bun run bench [options]

  --seconds <n>   how long each measurement lasts (3)
  --rounds <n>    how often the comparison is repeated (3)
  --quick         the comparison only, in 2 rounds of 1 s
  --huge          also a table of 10,000,000 tasks; loading it takes minutes, once

A run takes about nine minutes, the first one two more to load the data, which it leaves in the temporary folder.
A full run writes test/bench/RESULTS.md, a quick one only prints.`;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    huge: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const { quick, huge } = values;
const seconds = Number(values.seconds ?? (quick ? 1 : 3));
const rounds = Number(values.rounds ?? (quick ? 2 : 3));

const report: string[] = [];
const tell = (sections: Section[]) => {
  for (const markdown of sections.map(toMarkdown)) {
    console.log(markdown);
    report.push(markdown);
  }
};

await using postgres = await startPostgres();
const requests = scenarios(DATA);
const machine = await describeMachine(await postgres.version());
console.log(`${machine}\n`);

await postgres.database('main', [DATA]);
const url = await postgres.copyOf('main');
await using image = await buildLikeImage();
{
  await using service = await startServer(image.command, { DATABASE_URL: url });
  await using byHand = await startServer(BY_HAND, { DATABASE_URL: url });
  await using source = await startServer(SERVICE, { DATABASE_URL: url });
  tell(await compare({ service, byHand, source }, requests, { seconds, rounds }));
}
if (!quick) {
  tell([await measureProcesses(image, url, requests, seconds)]);
  const dataDir = await copyOfPglite([DATA]);
  {
    await using pglite = await startServer(image.command, { DATA_DIR: dataDir });
    tell([await measureAlone('PGlite', pglite, requests, seconds)]);
  }
  tell([await measureStarts(image, url, dataDir)]);
  tell(await measureTableSizes(image, postgres, { huge }));
  const about = `# Results\n\nWritten by \`bun run bench${huge ? ' --huge' : ''}\`. ${machine} The data: ${DATA.rows.toLocaleString('en')} tasks of ${DATA.users.toLocaleString('en')} users. The hand-written server is \`baseline.ts\`.\n`;
  await Bun.write(join(import.meta.dir, 'RESULTS.md'), [about, ...report].join('\n'));
}
