/** What a read costs as the table grows: with the tasks of others, and with one's own. */
import type { startPostgres } from './databases.ts';
import { idOfRow } from './databases.ts';
import type { Image } from './image.ts';
import { fixed, median, type Section } from './report.ts';
import { type ServerProcess, startServer } from './servers.ts';

const OTHERS = [1_000, 10_000, 100_000, 1_000_000];
const HUGE = 10_000_000;
const OWN = [100, 1_000, 10_000, 100_000, 1_000_000];

/** How many others' tasks there are where one's own vary, and the other way round. */
const FIXED = 1_000;

const REQUESTS = 300;
const LARGEST_PAGE = 200;
/** How far a walk goes to find a deep page: page 5,000 of 50. */
const DEEP = 250_000;

interface Case {
  label: string;
  server: ServerProcess;
  single: string;
  first: string;
  deep: string;
}

export async function measureTableSizes(
  image: Image,
  postgres: Awaited<ReturnType<typeof startPostgres>>,
  { huge }: { huge: boolean },
): Promise<Section[]> {
  await using stack = new AsyncDisposableStack();
  const serverOn = async (name: string, others: number, own: number[]) => {
    const shares = own.map((rows) => ({ prefix: `own-${rows}-`, users: 1, rows }));
    const url = await postgres.database(name, [
      { prefix: 'user-', users: Math.ceil(others / 100), rows: others },
      ...shares,
    ]);
    return stack.use(await startServer(image.command, { DATABASE_URL: url }));
  };
  const byOthers: Case[] = [];
  for (const rows of huge ? [...OTHERS, HUGE] : OTHERS)
    byOthers.push(await caseOf(await serverOn(`others_${rows}`, rows, [FIXED]), rows, FIXED));
  const server = await serverOn('own', FIXED, OWN);
  const byOwn: Case[] = [];
  for (const rows of OWN) byOwn.push(await caseOf(server, rows, rows));

  const about = `Median of ${REQUESTS} requests one after the other, in milliseconds, all sizes by turns. The deep page is the one in the middle of the list, at most page ${(DEEP / 50).toLocaleString('en')}.`;
  return [
    {
      ...(await measure(byOthers)),
      title: 'By the number of tasks of others',
      about: `${about} The user has ${FIXED.toLocaleString('en')} tasks.`,
    },
    {
      ...(await measure(byOwn)),
      title: "By the number of one's own tasks",
      about: `${about} Others have ${FIXED.toLocaleString('en')} tasks.`,
    },
  ];
}

async function caseOf(server: ServerProcess, size: number, own: number): Promise<Case> {
  const list = `${server.url}/api/own-${own}-0/tasks`;
  return {
    label: size.toLocaleString('en'),
    server,
    single: `${list}/${idOfRow(own / 2)}`,
    first: list,
    deep: await deepPage(list, Math.min(own / 2, DEEP)),
  };
}

/** The address of the page after `skipped` tasks, found as a client finds it: by following links. */
async function deepPage(list: string, skipped: number): Promise<string> {
  const limit = Math.min(LARGEST_PAGE, skipped);
  let next = `${list}?limit=${limit}`;
  for (let seen = 0; seen < skipped; seen += limit) {
    const response = await fetch(next);
    await response.arrayBuffer();
    const link = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
    if (!link) throw new Error(`${next} has no next page.`);
    next = link;
  }
  const url = new URL(next);
  url.searchParams.set('limit', '50');
  return url.href;
}

async function measure(cases: Case[]): Promise<Pick<Section, 'columns' | 'rows'>> {
  const rows: string[][] = [];
  for (const [kind, name] of [
    ['single', 'single read'],
    ['first', 'first page'],
    ['deep', 'deep page'],
  ] as const) {
    const times = cases.map((): number[] => []);
    for (let request = 0; request < REQUESTS; request += 1) {
      for (const [index, one] of cases.entries()) {
        const started = performance.now();
        const response = await fetch(one[kind]);
        await response.arrayBuffer();
        times[index]?.push(performance.now() - started);
        if (!response.ok) throw new Error(`${one[kind]}: ${response.status}`);
      }
    }
    const medians = times.map(median);
    rows.push([name, ...medians.map((value) => fixed(value)), fixed((medians.at(-1) ?? 0) / (medians[0] ?? 0))]);
  }
  return { columns: ['', ...cases.map(({ label }) => label), 'last to first'], rows };
}
