/** The service against the hand-written server: the same requests to both, in turn, over several rounds. */
import { fullLoad, type Latency, LOADER, type Load, pacedLoad } from './load.ts';
import { fixed, median, type Section, whole } from './report.ts';
import { type BenchRequest, type Scenario, send, withEtags } from './scenarios.ts';
import type { ServerProcess } from './servers.ts';

export interface Effort {
  seconds: number;
  rounds: number;
}

/** Least ratio to the hand-written server; where there is a `to`, to what that one does in another scenario. */
const TARGETS: Record<string, { ratio: number; to?: string }> = {
  'single read': { ratio: 0.9 },
  'page of 50': { ratio: 1 },
  create: { ratio: 0.9 },
  update: { ratio: 0.9 },
  complete: { ratio: 0.9 },
  '304, one task': { ratio: 0.95, to: 'single read' },
  '304, list': { ratio: 0.95, to: 'single read' },
  '400': { ratio: 1.5, to: 'single read' },
};
const MAX_RATIO_OF_P99 = 1.2;
const MAX_RATIO_OF_MEMORY = 1.4;

/** Whose latency is measured. */
const PACED = ['single read', 'page of 50', 'create', 'update'];

const NONE = '–';

/** A server, and what it did in the rounds of each scenario. */
class Contestant {
  readonly #server: ServerProcess;
  readonly #loads = new Map<string, Load[]>();
  readonly #latencies = new Map<string, Latency[]>();
  readonly #requests = new Map<string, BenchRequest[]>();
  readonly memoryAtRest: number;

  constructor(server: ServerProcess) {
    this.#server = server;
    this.memoryAtRest = server.memoryMiB().now;
  }

  /** Puts full load on the server for a second that does not count: until then much of its code is not compiled. */
  async warmUp(scenario: Scenario): Promise<void> {
    await this.#fullLoad(scenario, 1);
  }

  /** Puts full load on the server. */
  async run(scenario: Scenario, seconds: number): Promise<void> {
    add(this.#loads, scenario.name, await this.#fullLoad(scenario, seconds));
  }

  async runPaced({ name, requests, status }: Scenario, rate: number, seconds: number): Promise<void> {
    add(this.#latencies, name, await pacedLoad(this.#server, requests, status, rate, seconds));
  }

  requestsPerSecond(name: string): number {
    return median((this.#loads.get(name) ?? []).map((load) => load.requestsPerSecond));
  }

  cpuMicroseconds(name: string): number {
    return median((this.#loads.get(name) ?? []).map((load) => load.cpuMicroseconds));
  }

  latency(name: string, percentile: keyof Latency): number {
    return median((this.#latencies.get(name) ?? []).map((latency) => latency[percentile]));
  }

  get memoryUnderLoad(): number {
    return this.#server.memoryMiB().peak;
  }

  /** The first few answers, without what differs from server to server where something is written. */
  async sample(scenario: Scenario): Promise<string[]> {
    const answers: string[] = [];
    for (const request of (await this.#requestsOf(scenario)).slice(0, 10)) {
      const response = await send(this.#server.url, request);
      const text = await response.text();
      const body = scenario.writes ? JSON.stringify({ ...JSON.parse(text), ...MADE_BY_WRITES }) : text;
      const headers = [...response.headers.keys()].join(', ');
      answers.push(`${request.method} ${request.path}: ${response.status} (${headers}) ${body}`);
      if (response.status !== scenario.status) throw new Error(`Not ${scenario.status}: ${answers.at(-1)}`);
    }
    return answers;
  }

  async #fullLoad(scenario: Scenario, seconds: number): Promise<Load> {
    return fullLoad([this.#server], await this.#requestsOf(scenario), scenario.status, seconds);
  }

  async #requestsOf({ name, conditional, requests }: Scenario): Promise<BenchRequest[]> {
    if (!conditional) return requests;
    const known = this.#requests.get(name) ?? (await withEtags(this.#server.url, requests));
    this.#requests.set(name, known);
    return known;
  }
}

/** @param servers the service as the image runs it, by hand, and the service from its sources, for its memory only */
export async function compare(
  servers: { service: ServerProcess; byHand: ServerProcess; source: ServerProcess },
  scenarios: Scenario[],
  effort: Effort,
): Promise<Section[]> {
  const service = new Contestant(servers.service);
  const byHand = new Contestant(servers.byHand);
  const { seconds, rounds } = effort;
  await checkSameAnswers(
    service,
    byHand,
    scenarios.filter((scenario) => scenario.byHand),
  );

  const does = (contestant: Contestant, scenario: Scenario) => contestant === service || scenario.byHand;
  await inTurn(1, [service, byHand], scenarios, async (contestant, scenario) => {
    if (does(contestant, scenario)) await contestant.warmUp(scenario);
  });
  await inTurn(rounds, [service, byHand], scenarios, async (contestant, scenario) => {
    if (does(contestant, scenario)) await contestant.run(scenario, seconds);
  });
  const source = new Contestant(servers.source);
  await inTurn(rounds + 1, [source], scenarios, (contestant, scenario) => contestant.warmUp(scenario));
  const underLoad = [service.memoryUnderLoad, byHand.memoryUnderLoad, source.memoryUnderLoad] as const;

  const paced = scenarios.filter(({ name }) => PACED.includes(name));
  const rateOf = (name: string) =>
    Math.round(Math.min(service.requestsPerSecond(name), byHand.requestsPerSecond(name)) / 2);
  // The slowest answers differ more from round to round than rates do.
  const pacedRounds = 2 * rounds + 1;
  await inTurn(pacedRounds, [service, byHand], paced, (contestant, scenario) =>
    contestant.runPaced(scenario, rateOf(scenario.name), seconds),
  );

  return [
    {
      title: 'Requests per second',
      about: `Load from ${LOADER}; medians of ${rounds} rounds of ${seconds} s each, by turns, after one that does not count. CPU is what the server process spends on one request. Ratios are to the hand-written server, those of 304 and 400 to its single read.`,
      columns: ['', 'service', 'by hand', 'ratio', 'target', 'CPU µs, service', 'CPU µs, by hand'],
      rows: scenarios.map(({ name, byHand: known }) => {
        const target = TARGETS[name];
        return [
          name,
          whole(service.requestsPerSecond(name)),
          known ? whole(byHand.requestsPerSecond(name)) : NONE,
          fixed(service.requestsPerSecond(name) / byHand.requestsPerSecond(target?.to ?? name)),
          target ? `≥ ${target.ratio}` : NONE,
          fixed(service.cpuMicroseconds(name), 1),
          known ? fixed(byHand.cpuMicroseconds(name), 1) : NONE,
        ];
      }),
    },
    {
      title: 'Latency at half load',
      about: `In milliseconds, while requests come in at half of the rate that the slower of the two can take, whether or not they are answered; medians of ${pacedRounds} rounds of ${seconds} s.`,
      columns: ['', 'requests/s', 'p50, service', 'p50, by hand', 'p99, service', 'p99, by hand', 'ratio', 'target'],
      rows: paced.map(({ name }) => [
        name,
        whole(rateOf(name)),
        fixed(service.latency(name, 'p50')),
        fixed(byHand.latency(name, 'p50')),
        fixed(service.latency(name, 'p99')),
        fixed(byHand.latency(name, 'p99')),
        fixed(service.latency(name, 'p99') / byHand.latency(name, 'p99')),
        `≤ ${MAX_RATIO_OF_P99}`,
      ]),
    },
    {
      title: 'Memory',
      about:
        'Resident memory of the server process in MiB: after its first answer, and the most there was under full load. "Source" is the service by `bun run start`, all else is what the image runs.',
      columns: ['', 'service', 'by hand', 'ratio', 'target'],
      rows: [
        ['at rest', ...memoryRow(service.memoryAtRest, byHand.memoryAtRest), NONE],
        ['at rest, source', ...memoryRow(source.memoryAtRest, byHand.memoryAtRest), NONE],
        ['under load', ...memoryRow(underLoad[0], underLoad[1]), `≤ ${MAX_RATIO_OF_MEMORY}`],
        ['under load, source', ...memoryRow(underLoad[2], underLoad[1]), `≤ ${MAX_RATIO_OF_MEMORY}`],
      ],
    },
  ];
}

/** The same requests to the service alone, in one round: for a database that the hand-written server does not know. */
export async function measureAlone(
  title: string,
  server: ServerProcess,
  scenarios: Scenario[],
  seconds: number,
): Promise<Section> {
  const service = new Contestant(server);
  for (const scenario of scenarios) {
    await service.warmUp(scenario);
    await service.run(scenario, seconds);
  }
  const memory = `${whole(service.memoryAtRest)} MiB at rest, ${whole(service.memoryUnderLoad)} MiB under load`;
  const paced = scenarios.filter(({ name }) => PACED.includes(name));
  const rateOf = (name: string) => Math.round(service.requestsPerSecond(name) / 2);
  for (const scenario of paced) await service.runPaced(scenario, rateOf(scenario.name), seconds);
  return {
    title,
    about: `One round of ${seconds} s each; p50 and p99 in milliseconds at half of the full load. Memory: ${memory}.`,
    columns: ['', 'requests/s', 'CPU µs', 'p50', 'p99'],
    rows: scenarios.map(({ name }) => [
      name,
      whole(service.requestsPerSecond(name)),
      fixed(service.cpuMicroseconds(name), 1),
      ...(PACED.includes(name)
        ? [fixed(service.latency(name, 'p50')), fixed(service.latency(name, 'p99'))]
        : [NONE, NONE]),
    ]),
  };
}

/** Has all contestants do each scenario, as often as there are rounds; who came first comes last the next time. */
async function inTurn(
  rounds: number,
  contestants: Contestant[],
  scenarios: Scenario[],
  run: (contestant: Contestant, scenario: Scenario) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const scenario of scenarios) for (const contestant of order) await run(contestant, scenario);
  }
}

/** What a write makes anew each time, blanked out. */
const MADE_BY_WRITES = Object.fromEntries(
  ['id', 'completed', 'completed_at', 'created_at', 'updated_at', 'revision', 'url'].map((name) => [name, null]),
);

/** @throws when the two do not send the same, so that comparing them would say nothing */
async function checkSameAnswers(one: Contestant, other: Contestant, scenarios: Scenario[]): Promise<void> {
  for (const scenario of scenarios) {
    const [ours, theirs] = [await one.sample(scenario), await other.sample(scenario)];
    const index = ours.findIndex((answer, n) => answer !== theirs[n]);
    if (index !== -1) throw new Error(`The answers differ:\n${ours[index]}\n${theirs[index]}`);
  }
}

function add<T>(lists: Map<string, T[]>, name: string, item: T): void {
  lists.set(name, [...(lists.get(name) ?? []), item]);
}

function memoryRow(ours: number, theirs: number): string[] {
  return [whole(ours), whole(theirs), fixed(ours / theirs)];
}
