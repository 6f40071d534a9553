/** Statements that come in several shapes, each compiled once and prepared under a name of its own. */

/** Makes something once for each key, when it is first asked for. */
export function remember<Shape, Made>(make: (shape: Shape) => Made): (key: string, shape: Shape) => Made {
  const made = new Map<string, Made>();
  return (key, shape) => {
    const thing = made.get(key) ?? make(shape);
    made.set(key, thing);
    return thing;
  };
}

/** A name for one shape of an operation. It ends in a hash: PostgreSQL reads only the first 63 bytes of a name. */
export function statementName(operation: string, query: { toSQL(): { sql: string } }): string {
  return `${operation}_${Bun.hash(query.toSQL().sql).toString(36)}`;
}
