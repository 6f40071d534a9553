/** How statements about tasks are sent: shared with other requests of the same moment where that can be, else alone. */
import { makePgArray } from 'drizzle-orm/pg-core';
import { batchedReads, batchedWrites } from '../db/batch.ts';
import type { Database } from '../db/client.ts';
import { postgresFailure } from '../db/failures.ts';
import { rowsOf, type TaskRow } from '../db/rows.ts';
import { remember } from '../db/shapes.ts';
import { InvalidInput } from '../errors.ts';
import type { TaskStatements } from './task.statements.ts';
import type { Change, ChangeShape } from './task.writes.ts';

export interface TaskKey {
  user_id: string;
  id: string;
}

/** The values of a write by the names of their columns, and what else its statement asks for. */
export type WriteParameters = Record<string, unknown> & { user_id: string };

type CounterRow = { user_id: string; revision: number | string };

/** The Idempotency-Key is in use: the whole statement was undone. */
export class KeyTaken extends Error {}

/** Every function rejects with DatabaseUnavailable when the database cannot answer. */
export function createDispatch({ read, write }: Database, statements: TaskStatements) {
  const findLiveTask = batchedReads(
    (keys: TaskKey[]) => {
      const user_id = makePgArray(keys.map((key) => key.user_id));
      const id = makePgArray(keys.map((key) => key.id));
      return read(() => rowsOf<TaskRow>(statements.getTasks, { user_id, id }));
    },
    ({ user_id, id }) => `${id} ${user_id}`,
  );

  const findCounter = batchedReads((users: Pick<CounterRow, 'user_id'>[]) => {
    const user_id = makePgArray(users.map((user) => user.user_id));
    return read(() => rowsOf<CounterRow>(statements.readRevisions, { user_id }));
  }, ownerOf);

  /** The user's counter; 0 for one who never had a task. */
  async function revisionOf(user_id: string): Promise<number> {
    return Number((await findCounter({ user_id }))?.revision ?? 0);
  }

  /** Runs a write; a constraint that it breaks becomes an error of the domain. @throws InvalidInput, KeyTaken */
  function writeTask<T>(statement: () => Promise<T>): Promise<T> {
    return write(statement).catch((error) => {
      switch (postgresFailure(error)?.constraint) {
        case 'tasks_due_once':
          throw new InvalidInput([
            { in: 'body', pointer: '', detail: 'must not leave the task both due_date and due_at' },
          ]);
        case 'idempotency_keys_pkey':
          throw new KeyTaken();
        default:
          throw error;
      }
    });
  }

  async function writeOne(statement: TaskStatements['createTask'], row: WriteParameters): Promise<TaskRow | undefined> {
    return (await writeTask(() => rowsOf<TaskRow>(statement, row)))[0];
  }

  function writeMany(statement: TaskStatements['createTasks'], rows: WriteParameters[]): Promise<TaskRow[]> {
    return write(() => rowsOf<TaskRow>(statement, { rows: JSON.stringify(rows) }));
  }

  const createTogether = batchedWrites(
    (rows: WriteParameters[]) => writeMany(statements.createTasks, rows),
    (row) => writeOne(statements.createTask, row),
    ownerOf,
  );

  /** @throws KeyTaken */
  async function createTask(row: WriteParameters, once: boolean): Promise<TaskRow> {
    return (await (once ? writeOne(statements.createTaskOnce, row) : createTogether(row))) as TaskRow;
  }

  const changeTogether = remember((change: Change) =>
    batchedWrites(
      (rows: WriteParameters[]) => writeMany(statements.changeTasks(nameOf(change), change), rows),
      (row) => changeAlone({ ...change, conditional: false, once: false }, row),
      ownerOf,
    ),
  );

  function changeAlone(shape: ChangeShape, row: WriteParameters): Promise<TaskRow | undefined> {
    return writeOne(statements.changeTask(`${nameOf(shape)} ${shape.conditional} ${shape.once}`, shape), row);
  }

  /** Yields no row when there was nothing to change. @throws InvalidInput, KeyTaken */
  function changeTask(shape: ChangeShape, row: WriteParameters): Promise<TaskRow | undefined> {
    return shape.conditional || shape.once ? changeAlone(shape, row) : changeTogether(nameOf(shape), shape)(row);
  }

  return { findLiveTask, revisionOf, createTask, changeTask, writeTask };
}

function ownerOf({ user_id }: { user_id: string }): string {
  return user_id;
}

/** What changes have in common that one statement serves. */
function nameOf({ kind, fields }: Change): string {
  return `${kind} ${fields}`;
}
