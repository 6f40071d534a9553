/** What more processes on one database bring. */

import type { Image } from './image.ts';
import { fullLoad, type Load } from './load.ts';
import { type Section, whole } from './report.ts';
import type { Scenario } from './scenarios.ts';
import { type ServerProcess, startServer } from './servers.ts';

const COUNTS = [1, 2, 4];
const MEASURED = ['single read', 'page of 50', 'create'];

export async function measureProcesses(
  image: Image,
  url: string,
  scenarios: Scenario[],
  seconds: number,
): Promise<Section> {
  const measured = scenarios.filter(({ name }) => MEASURED.includes(name));
  const results: Load[][] = [];
  await using stack = new AsyncDisposableStack();
  const servers: ServerProcess[] = [];
  for (const count of COUNTS) {
    while (servers.length < count) servers.push(stack.use(await startServer(image.command, { DATABASE_URL: url })));
    const loads: Load[] = [];
    for (const { requests, status } of measured) {
      await fullLoad(servers, requests, status, 1);
      loads.push(await fullLoad(servers, requests, status, seconds));
    }
    results.push(loads);
  }
  return {
    title: 'Processes',
    about: `Requests per second of the service on PostgreSQL by number of processes, one round of ${seconds} s each after a second that does not count; the processes, PostgreSQL and the load share the cores named above.`,
    columns: ['', ...COUNTS.map(String)],
    rows: measured.map(({ name }, index) => [
      name,
      ...results.map((loads) => whole(loads[index]?.requestsPerSecond ?? Number.NaN)),
    ]),
  };
}
