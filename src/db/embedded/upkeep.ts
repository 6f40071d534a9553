/**
 * What a server's background processes would do. PGlite has none: without this its log and its dead rows grow for ever.
 * All of it holds up the only connection, so it is done while nobody asks for anything, or when it must be.
 */
import { getTableName } from 'drizzle-orm';
import { bigint, pgSchema, text } from 'drizzle-orm/pg-core';
import type { Drizzle, Upkeep } from '../driver.ts';
import { checkpoint, logSinceCheckpoint, vacuum } from '../expressions.ts';
import { idempotencyKeys, tasks, userRevisions } from '../schema.ts';
import { rowsOf } from './connection.ts';

const MiB = 2 ** 20;

/** A checkpoint took 50 to 200 ms, however long the log was: no more than `shared_buffers` are written. */
const LOG = {
  whenIdle: 8 * MiB,
  atMost: 64 * MiB,
};

/** Vacuuming took 10 ms for 1,000 dead tasks. A part of the live ones, so that each write pays the same for it. */
const DEAD_ROWS = {
  whenIdle: (live: number) => 1_000 + live / 10,
  atMost: (live: number) => 10_000 + live / 2,
};

/** Nobody has asked for anything for so long. */
const IDLE_MS = 500;

const TABLES = [tasks, userRevisions, idempotencyKeys];

const statistics = pgSchema('pg_catalog').table('pg_stat_user_tables', {
  relname: text().notNull(),
  n_live_tup: bigint({ mode: 'number' }).notNull(),
  n_dead_tup: bigint({ mode: 'number' }).notNull(),
});

export interface Usage {
  /** Counts every statement of anyone. */
  statements: number;
  /** When the last one ended, in milliseconds. */
  lastAt: number;
}

/** @returns a function to be called every second or so; it does at most one thing at a time */
export function createUpkeep(db: Drizzle, usage: Readonly<Usage>): () => Promise<Upkeep | undefined> {
  let lookedAt = -1;
  let isAtWork = false;

  async function work(): Promise<Upkeep | undefined> {
    const isIdle = performance.now() - usage.lastAt > IDLE_MS;
    const [log] = rowsOf<{ bytes: number }>(await db.execute(logSinceCheckpoint()));
    if (log && log.bytes > (isIdle ? LOG.whenIdle : LOG.atMost))
      return timed({ done: 'checkpoint' }, () => db.execute(checkpoint()));
    for (const { relname, n_live_tup, n_dead_tup } of await db.select().from(statistics)) {
      const table = TABLES.find((table) => getTableName(table) === relname);
      if (table && n_dead_tup > DEAD_ROWS[isIdle ? 'whenIdle' : 'atMost'](n_live_tup))
        return timed({ done: 'vacuum', table: relname }, () => db.execute(vacuum(table)));
    }
    // Seen at rest: there is nothing to do until somebody asks for something.
    if (isIdle) lookedAt = usage.statements;
    return undefined;
  }

  async function timed(what: Omit<Upkeep, 'durationMs'>, work: () => PromiseLike<unknown>): Promise<Upkeep> {
    const startedAt = performance.now();
    await work();
    return { ...what, durationMs: Math.round(performance.now() - startedAt) };
  }

  return async () => {
    if (isAtWork || usage.statements === lookedAt) return undefined;
    isAtWork = true;
    try {
      return await work();
    } finally {
      isAtWork = false;
    }
  };
}
