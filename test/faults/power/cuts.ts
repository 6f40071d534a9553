/** Where the power is cut, with what luck, and what the service must then find. */
import { rm } from 'node:fs/promises';
import { startService } from '../../support/service.ts';
import { Client } from '../support/client.ts';
import type { Disk, Luck } from './disk.ts';
import type { Recording } from './recorded-service.ts';
import { type Answer, type Operation, readTrace } from './trace.ts';

export interface Task {
  id: string;
  user_id: string;
  revision: number;
}

/** Tasks as they were last answered, by id. */
export type Acknowledged = Map<string, Task>;

export interface Cut {
  phase: string;
  /** After so many operations and answers. */
  at: number;
  /** What the disk wrote of what was not synced. */
  luck: string;
}

export interface Outcome extends Cut {
  acknowledged: number;
  /** Of these, those that are gone, or older than they were answered. */
  lost: number;
  /** Why the service did not start. */
  error?: string;
}

export type Phases = Record<string, number[]>;

/** The moments of each phase that there was; those next to a sync or a rename come twice, for there most can go wrong. */
export async function phasesOf({ trace, folder }: Recording, names: { start: string; stop?: string }): Promise<Phases> {
  const moments: { kind: string; path?: string }[] = [];
  for await (const { kind, ...rest } of readTrace(trace, folder))
    moments.push({ kind, ...('path' in rest && { path: rest.path }) });
  const isAnswer = ({ kind }: { kind: string }) => kind === 'answer';
  const firstAnswer = moments.findIndex(isAnswer);
  const lastAnswer = moments.findLastIndex(isAnswer);
  const phases: Phases = {
    [names.start]: range(0, firstAnswer),
    load: range(firstAnswer, lastAnswer),
    'a checkpoint': moments.flatMap(({ kind, path }, at) => {
      const isEnd = kind === 'sync' && path === 'postgres/global/pg_control' && at > firstAnswer && at < lastAnswer;
      return isEnd
        ? range(
            moments.findLastIndex((moment, n) => n < at && isAnswer(moment)),
            at + 10,
          )
        : [];
    }),
    ...(names.stop && { [names.stop]: range(lastAnswer, moments.length) }),
  };
  const isTurn = (at: number) =>
    /^(sync|rename)$/.test(`${moments[at]?.kind}`) || /^(sync|rename)$/.test(`${moments[at - 1]?.kind}`);
  const met = Object.entries(phases).filter(([, all]) => all.length > 0);
  return Object.fromEntries(met.map(([name, all]) => [name, [...all, ...all.filter(isTurn)]]));
}

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);

/** Replays the recording on `disk`, and calls `check` at each cut with what was acknowledged until then. */
export async function replay(
  { trace, folder }: Recording,
  disk: Disk,
  acknowledged: Acknowledged,
  cuts: Cut[],
  check: (cut: Cut) => Promise<void>,
): Promise<void> {
  const waiting = cuts.toSorted((a, b) => b.at - a.at);
  let at = 0;
  for await (const happened of readTrace(trace, folder)) {
    while (waiting.at(-1)?.at === at) await check(waiting.pop() as Cut);
    apply(happened, disk, acknowledged);
    at += 1;
  }
}

function apply(happened: Operation | Answer, disk: Disk, acknowledged: Acknowledged): void {
  if (happened.kind !== 'answer') {
    disk.apply(happened);
    return;
  }
  const [head = '', body = ''] = happened.text.split('\r\n\r\n');
  if (!/^HTTP\/1\.1 20[01] /.test(head)) return;
  const { url: _, ...task } = JSON.parse(body);
  acknowledged.set(task.id, task);
}

/** Starts the service on what a power cut has left, and looks for every task that was acknowledged before it. */
export async function outcomeOf(cut: Cut, folder: string, acknowledged: Acknowledged): Promise<Outcome> {
  const outcome: Outcome = { ...cut, acknowledged: acknowledged.size, lost: acknowledged.size };
  try {
    // What is read does not depend on the sync, which is the dearest part of a recovery.
    await using service = await startService({ DATA_DIR: folder, EMBEDDED_SYNC: 'off' });
    const client = new Client(service.origin);
    const stored = new Map<string, Task>();
    for (const user of new Set(['nobody', ...[...acknowledged.values()].map(({ user_id }) => user_id)])) {
      // By two indexes, which a damaged folder would have differ.
      const tasks = await list(client, `/api/${user}/tasks?limit=200`);
      const sorted = await list(client, `/api/${user}/tasks?limit=200&sort=title`);
      if (tasks.length !== sorted.length) throw new Error(`${user} has ${tasks.length} tasks or ${sorted.length}`);
      for (const task of tasks) stored.set(task.id, task);
      const { status, body } = await client.request('POST', `/api/${user}/tasks`, { body: { title: 'the next one' } });
      if (status !== 201) throw new Error(body);
      if (tasks.some(({ revision }) => revision >= JSON.parse(body).revision)) throw new Error('a revision came twice');
    }
    outcome.lost = [...acknowledged.values()].filter((task) => !isKept(task, stored.get(task.id))).length;
    client.close();
  } catch (error) {
    outcome.error = String(error).slice(0, 500);
  }
  await rm(folder, { recursive: true, force: true });
  return outcome;
}

/** What was not answered any more may be there as well: a later state of the task is none lost. */
function isKept(task: Task, stored: Task | undefined): boolean {
  if (stored === undefined || stored.revision < task.revision) return false;
  return stored.revision > task.revision || Bun.deepEquals(stored, task);
}

async function list(client: Client, first: string): Promise<Task[]> {
  const tasks: Task[] = [];
  for (let path = first; path; ) {
    const { status, headers, body } = await client.request('GET', path);
    if (status !== 200) throw new Error(body);
    for (const { url: _, ...task } of JSON.parse(body)) tasks.push(task);
    const next = /<([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1];
    path = next ? new URL(next).pathname + new URL(next).search : '';
  }
  return tasks;
}

/** What a disk may have written of what was not synced, for a source of random numbers. */
export function luckBy(random: () => number): Record<string, () => Luck> {
  const chance = (probability: number) => () => random() < probability;
  return {
    'nothing else': () => ({ name: chance(0), sector: chance(0) }),
    'any part of the rest': () => ({ name: chance(random()), sector: chance(random()) }),
    'names without contents': () => ({ name: chance(1), sector: chance(0) }),
    'contents without names': () => ({ name: chance(0), sector: chance(1) }),
  };
}

/** The same numbers for the same seed (mulberry32). */
export function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
