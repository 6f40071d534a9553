/** Statements that come in many shapes, each of which is compiled once and prepared under a name of its own. */

/** Makes something for each shape when it is first asked for. */
export function remember<Shape, Made>(make: (shape: Shape) => Made): (key: string, shape: Shape) => Made {
  const made = new Map<string, Made>();
  return (key, shape) => {
    const thing = made.get(key) ?? make(shape);
    made.set(key, thing);
    return thing;
  };
}

/** A name for one of the shapes of an operation: PostgreSQL tells names apart by their first 63 bytes only. */
export function statementName(operation: string, query: { toSQL(): { sql: string } }): string {
  return `${operation}_${Bun.hash(query.toSQL().sql).toString(36)}`;
}
