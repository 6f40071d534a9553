/** Where the power is cut, with what luck, and what the service must then find. */
import { rm } from 'node:fs/promises';
import type { Task } from '../../../src/tasks/schema.ts';
import { createTasks } from '../../support/client.ts';
import { walk } from '../../support/links.ts';
import { type Service, startService } from '../../support/service.ts';
import type { Disk, Luck } from './disk.ts';
import type { Recording } from './recorded-service.ts';
import { type Answer, type Operation, readTrace } from './trace.ts';

type StoredTask = Omit<Task, 'url'>;

/** Tasks as they were last answered, by id. */
export type Acknowledged = Map<string, StoredTask>;

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
  const task: Task = JSON.parse(body);
  acknowledged.set(task.id, withoutUrl(task));
}

/** Starts the service on what a power cut has left, and looks for every task that was acknowledged before it. */
export async function outcomeOf(cut: Cut, folder: string, acknowledged: Acknowledged): Promise<Outcome> {
  const outcome: Outcome = { ...cut, acknowledged: acknowledged.size, lost: acknowledged.size };
  try {
    // Without syncs the recovery is faster and finds the same.
    await using service = await startService({ DATA_DIR: folder, EMBEDDED_SYNC: 'off' });
    const stored = new Map<string, StoredTask>();
    for (const user of new Set(['nobody', ...[...acknowledged.values()].map(({ user_id }) => user_id)]))
      for (const task of await tasksOf(user, service)) stored.set(task.id, task);
    outcome.lost = [...acknowledged.values()].filter((task) => !isKept(task, stored.get(task.id))).length;
  } catch (error) {
    outcome.error = String(error).slice(0, 500);
  }
  await rm(folder, { recursive: true, force: true });
  return outcome;
}

/** All tasks of a user, who can go on writing. Throws when the two indexes that they are read by differ. */
async function tasksOf(user: string, { call }: Service): Promise<StoredTask[]> {
  const path = `/api/${user}/tasks`;
  const tasks = (await walk(call, path, [200])).flat();
  const sorted = (await walk(call, `${path}?sort=title`, [200])).flat();
  if (tasks.length !== sorted.length) throw new Error(`${user} has ${tasks.length} tasks or ${sorted.length}`);
  const { revision } = await createTasks(call, path)();
  if (tasks.some((task) => task.revision >= revision)) throw new Error(`${user} has a revision twice`);
  return tasks.map(withoutUrl);
}

/** What was not answered any more may be there as well: a later state of the task is none lost. */
function isKept(task: StoredTask, stored: StoredTask | undefined): boolean {
  if (stored === undefined || stored.revision < task.revision) return false;
  return stored.revision > task.revision || Bun.deepEquals(stored, task);
}

/** The service that is started again has another port. */
const withoutUrl = ({ url: _, ...task }: Task): StoredTask => task;

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
