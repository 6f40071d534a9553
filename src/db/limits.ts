/** What a task may hold. The constraints of the tables and the schemas of the API are both made from these. */

export const PRIORITIES = ['low', 'medium', 'high'] as const;

/** Lengths in Unicode code points, as PostgreSQL counts them. */
export const LIMITS = {
  userId: 255,
  title: 200,
  description: 10_000,
  tags: 20,
  tag: 50,
  idempotencyKey: 255,
} as const;

/** What `String.prototype.trim` takes away: the white space and line terminators of ECMAScript. */
export const TRIMMED_CHARACTERS =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
