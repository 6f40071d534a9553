/** The statement that counts a user's tasks: all of them, those of each project and those with each tag. */
import { and, asc, count, eq, isNotNull, not, type SQLWrapper } from 'drizzle-orm';
import { unionAll } from 'drizzle-orm/pg-core';
import type { Database } from '../../db/database.ts';
import type { Drizzle } from '../../db/driver.ts';
import { rowsOf } from '../../db/driver-values.ts';
import { asRead, elementsOf, expression, parameter, scalar, sumWhere, word } from '../../db/expressions.ts';
import { tasks, userRevisions } from '../../db/schema.ts';
import type { Facets } from '../schema.ts';
import { isDeleted } from './conditions.ts';

/** Every function sends one statement, and rejects with DatabaseUnavailable when the database cannot answer. */
export function createFacets({ db, read }: Database) {
  const statement = prepareFacets(db);

  return {
    /** The counts, and the user's counter in the same snapshot; 0 for a user who never had a task. */
    async readFacets(user_id: string): Promise<{ facets: Facets; revision: number }> {
      const rows = await read(() => rowsOf<FacetRow>(statement, { user_id }));
      const [all] = rows.filter(({ kind }) => kind === 'all');
      const named = (wanted: FacetRow['kind']) =>
        rows
          .filter(({ kind }) => kind === wanted)
          .map(({ name, open, completed }) => ({ name, open: Number(open), completed: Number(completed) }));
      const counts = {
        open: Number(all?.open ?? 0),
        completed: Number(all?.completed ?? 0),
        deleted: Number(all?.deleted ?? 0),
      };
      const facets = { ...counts, projects: named('project'), tags: named('tag') };
      return { facets, revision: Number(all?.revision ?? 0) };
    },
  };
}

/** The sum of no rows is NULL, and so is the counter of a user who has none. */
type Sum = number | string | null;

interface FacetRow {
  kind: 'all' | 'project' | 'tag';
  name: string;
  open: Sum;
  completed: Sum;
  deleted: Sum;
  revision: Sum;
}

/** Reads each task once: what follows works on groups of tasks that differ in nothing that counts. */
function prepareFacets(db: Drizzle) {
  const { user_id, completed, project, tags } = tasks;
  const inBin = expression<boolean>(isDeleted);
  const groups = db.$with('groups').as(
    db
      .select({ in_bin: inBin.as('in_bin'), completed, project, tags, size: count().as('size') })
      .from(tasks)
      .where(eq(user_id, parameter('user_id')))
      .groupBy(inBin, completed, project, tags),
  );
  const live = not(groups.in_bin);
  const row = (
    kind: FacetRow['kind'],
    name: SQLWrapper,
    size: SQLWrapper,
    done: SQLWrapper,
    ...isCounted: SQLWrapper[]
  ) => ({
    kind: word(kind).as('kind'),
    name: expression<string>(name).as('name'),
    open: sumWhere(size, and(not(done), ...isCounted.map(expression))).as('open'),
    completed: sumWhere(size, and(expression(done), ...isCounted.map(expression))).as('completed'),
    deleted: (kind === 'all' ? sumWhere(size, expression(groups.in_bin)) : expression<number>(0)).as('deleted'),
  });
  const all = db.select(row('all', word(''), groups.size, groups.completed, live)).from(groups);
  const projects = db
    .select(row('project', groups.project, groups.size, groups.completed))
    .from(groups)
    .where(and(live, isNotNull(groups.project)))
    .groupBy(groups.project);
  const tagged = db
    .select({ tag: elementsOf(groups.tags).as('tag'), completed: groups.completed, size: groups.size })
    .from(groups)
    .where(live)
    .as('tagged');
  const byTag = db
    .select(row('tag', tagged.tag, tagged.size, tagged.completed))
    .from(tagged)
    .groupBy(tagged.tag);
  const facets = db.$with('facets').as(unionAll(all, projects, byTag));
  const counter = db
    .select({ revision: userRevisions.revision })
    .from(userRevisions)
    .where(eq(userRevisions.user_id, parameter('user_id')));
  return db
    .with(groups, facets)
    .select({ ...facets._.selectedFields, revision: scalar<number>(counter).as('revision') })
    .from(facets)
    .orderBy(asc(facets.kind), asc(asRead(facets.name)))
    .prepare('read_facets');
}
