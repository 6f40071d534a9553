/** Clients that create, toggle and read tasks, one request after the other, and keep account of every answer. */

import { expect } from 'bun:test';
import type { Task } from '../../src/tasks/schema.ts';
import type { RequestOptions } from './client.ts';
import { Connection, Refused, Unanswered } from './connection.ts';
import { expectRefusal } from './expected.ts';
import type { Stored } from './faulty-database.ts';
import type { Answer } from './openapi.ts';
import { until } from './until.ts';

/** What one client saw; its tasks belong to a user of its own. */
export interface Account {
  user: string;
  /** Titles of creates that were answered with 201. */
  created: string[];
  /** Titles of creates that were answered with something else. */
  uncertain: string[];
  /** Writes of any kind that succeeded. */
  writes: number;
  failedWrites: Answer[];
  failedReads: Answer[];
  /** Requests whose connection ended without an answer. */
  unanswered: number;
  slowestMs: number;
}

export interface Load {
  /** Resolves when every client has got two successes from now on: what was under way before is over. */
  succeeds: () => Promise<void>;
  /** Lets each client finish the request that it is at. */
  stop: () => Promise<Account[]>;
}

export interface LoadOptions {
  /** A client that is refused at one, or told that the connection will be closed, goes to the next. */
  origins: string[];
  clients?: number;
  /**
   * Each write comes with an Idempotency-Key of its own and is sent again until it succeeds, as a client does that
   * wants it done exactly once.
   */
  repeats?: boolean;
}

/** How long a client waits after an answer: the load is there to have requests in flight, not to be high. */
const PAUSE_MS = 2;
const PAUSE_AFTER_FAILURE_MS = 20;

export function startLoad({ origins, clients = 8, repeats = false }: LoadOptions): Load {
  let isStopping = false;
  const successes = new Array<number>(clients).fill(0);

  async function run(index: number): Promise<Account> {
    const user = `client-${index}`;
    const account: Account = {
      user,
      created: [],
      uncertain: [],
      writes: 0,
      failedWrites: [],
      failedReads: [],
      unanswered: 0,
      slowestMs: 0,
    };
    const connections = origins.map((origin) => new Connection(origin));
    let current = index % origins.length;
    let url: string | undefined;

    const goElsewhere = () => {
      current = (current + 1) % origins.length;
    };

    /** @returns undefined when the connection ended without an answer. */
    async function ask(method: string, path: string, options?: RequestOptions): Promise<Answer | undefined> {
      for (;;) {
        const startedAt = performance.now();
        try {
          const reply = await (connections[current] as Connection).request(method, path, options);
          account.slowestMs = Math.max(account.slowestMs, performance.now() - startedAt);
          if (reply.headers.connection === 'close') goElsewhere();
          return reply;
        } catch (error) {
          if (error instanceof Refused) {
            goElsewhere();
          } else if (error instanceof Unanswered) {
            account.unanswered += 1;
            return undefined;
          } else {
            throw error;
          }
        }
      }
    }

    /** @returns whether it succeeded */
    async function write(method: string, path: string, n: number, title?: string): Promise<boolean> {
      const reply = await ask(method, path, {
        ...(title !== undefined && { body: { title } }),
        ...(repeats && { headers: { 'idempotency-key': String(n) } }),
      });
      const succeeded = reply?.status === 200 || reply?.status === 201;
      if (succeeded) account.writes += 1;
      else if (reply) account.failedWrites.push(reply);
      if (title !== undefined) (succeeded ? account.created : account.uncertain).push(title);
      if (reply?.status === 201) url = new URL((reply.body as Task).url).pathname;
      if (succeeded || !repeats) return succeeded;
      await Bun.sleep(PAUSE_AFTER_FAILURE_MS);
      return write(method, path, n, title);
    }

    async function read(): Promise<boolean> {
      const reply = await ask('GET', `/api/${user}/tasks?limit=1`);
      if (reply && reply.status !== 200) account.failedReads.push(reply);
      return reply?.status === 200;
    }

    for (let n = 0; !isStopping; n += 1) {
      let succeeded: boolean;
      if (n % 3 === 1) succeeded = await read();
      else if (n % 3 === 2 && url) succeeded = await write('PATCH', `${url}/complete`, n);
      else succeeded = await write('POST', `/api/${user}/tasks`, n, `${user} ${n}`);
      if (succeeded) successes[index] = (successes[index] ?? 0) + 1;
      await Bun.sleep(succeeded ? PAUSE_MS : PAUSE_AFTER_FAILURE_MS);
    }
    for (const connection of connections) connection.close();
    return account;
  }

  const running = Promise.all(successes.map((_, index) => run(index)));
  return {
    async succeeds() {
      const before = [...successes];
      await until(() => successes.every((count, index) => count >= (before[index] ?? 0) + 2));
    },
    stop() {
      isStopping = true;
      return running;
    },
  };
}

/**
 * No write that succeeded is lost, none that failed was done more than once, and each took the next revision of its
 * user. Whatever failed was refused in the words of the contract, and no request went unanswered.
 */
export function expectSound(accounts: Account[], stored: Stored): void {
  const created = accounts.flatMap((account) => account.created);
  const uncertain = new Set(accounts.flatMap((account) => account.uncertain));
  const titles = stored.titles.toSorted();
  expect(titles.filter((title) => !uncertain.has(title))).toEqual(created.toSorted());
  expect(titles).toEqual([...new Set(titles)]);
  for (const { user, writes, failedWrites, failedReads, unanswered } of accounts) {
    const revision = stored.revisions.get(user) ?? 0;
    expect(revision).toBeGreaterThanOrEqual(writes);
    expect(revision).toBeLessThanOrEqual(writes + failedWrites.length);
    expect(unanswered).toBe(0);
    for (const reply of [...failedWrites, ...failedReads]) expectRefusal('unavailable', reply);
  }
}
