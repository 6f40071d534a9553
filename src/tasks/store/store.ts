/** All statements about tasks, one for each function. */
import type { Database } from '../../db/database.ts';
import { createAnswers } from './answers.ts';
import { createFacets } from './facets.ts';
import { createReads } from './reads.ts';
import { createWrites } from './writes.ts';

export type TaskStore = ReturnType<typeof createTaskStore>;

export function createTaskStore(database: Database) {
  return { ...createReads(database), ...createFacets(database), ...createWrites(database), ...createAnswers(database) };
}
