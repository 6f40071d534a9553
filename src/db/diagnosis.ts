/** Explains to whoever starts the service why its database cannot be used, and what to do. */
import { isUnavailable, reasonOf } from './driver-errors.ts';

/** By what the reason matches, which ends in the SQLSTATE. The first that fits counts. */
const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/\((3D000|55000)\)/, 'Create the database (createdb), or name another one in DATABASE_URL.'],
  [/\(28P01\)/, 'Check the user and the password in DATABASE_URL.'],
  [
    /(no encryption|SSL off).*\(28000\)/,
    'Add ?sslmode=require to DATABASE_URL, or let the user in without TLS in pg_hba.conf.',
  ],
  [/\(28...\)/, 'Check the user in DATABASE_URL; pg_hba.conf of the server says who may connect.'],
  [
    /\(42501\)/,
    'Run the command `migrate` as the owner of the tables, and grant rights: "Upgrade" in docs/operations.md.',
  ],
  [
    /\(25006\)/,
    'It is read-only: run the command `migrate` on the primary. READ_ONLY=true serves reads from a standby.',
  ],
  [/startup parameter/, 'Have the pooler ignore it: "PostgreSQL" in docs/operations.md.'],
  [/\(53300\)/, 'Free connections or let the server allow more; DATABASE_POOL_SIZE is how many this process takes.'],
  [/\(42P05\)/, 'A pooler by transaction needs max_prepared_statements: "PostgreSQL" in docs/operations.md.'],
  [/\(57P03\)/, 'The server is starting or stopping: try again.'],
  [
    /TLS|SSL|certificate/i,
    'Make sslmode in DATABASE_URL fit the server; NODE_EXTRA_CA_CERTS names your own authority.',
  ],
];

const UNREACHABLE = 'Check host and port in DATABASE_URL, and that the server runs and can be reached from here.';

/**
 * @param place what the database is called for people
 * @returns two lines without a password; undefined when the error is a bug of ours
 */
export function explainFailure(error: unknown, place: string): string | undefined {
  const reason = reasonOf(error);
  const advice = ADVICE.find(([pattern]) => pattern.test(reason))?.[1];
  if (advice === undefined && !isUnavailable(error)) return undefined;
  return `The database cannot be used (${place}): ${reason}\n${advice ?? UNREACHABLE}`;
}
