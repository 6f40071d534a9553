/** What the service says to a person at a terminal: where it is when it starts, then a short line for each entry of the log. */
import { version } from '../package.json';

export interface Start {
  /** Where it listens. */
  url: string;
  publicUrl: string | undefined;
  /** Where the tasks are, without a password. */
  database: string;
}

/** The few lines of a start. */
export function greeting({ url, publicUrl, database }: Start): string {
  // No browser opens the address that stands for all of them.
  const base = publicUrl ?? url.replace(/\/$/, '').replace(/\/\/(0\.0\.0\.0|\[::\])/, '//localhost');
  return `Todo API ${version}
  API       ${base}/api/{user_id}/tasks
  Docs      ${base}/swagger
  Database  ${database}
  Stop      Ctrl-C
`;
}

/** Turns the lines of the log into text, in which a request is `12:00:00 POST /api/:user_id/tasks/ 201, 3.1 ms`. */
export function asText(write: (text: string) => void): (lines: string) => void {
  return (lines) => {
    for (const line of lines.trimEnd().split('\n')) write(`${textOf(JSON.parse(line))}\n`);
  };
}

type Entry = Record<string, unknown> & { level: string; time: string; msg?: string };

function textOf({ level, time, msg = '', ...rest }: Entry): string {
  const clock = new Date(time).toTimeString().slice(0, 8);
  if (msg === 'request' && typeof rest.status === 'number')
    return `${clock} ${rest.method} ${rest.route ?? '(no route)'} ${rest.status}, ${Number(rest.duration_ms).toFixed(1)} ms`;
  const { error, ...others } = rest;
  const details = Object.entries(others).map(([name, value]) => ` ${name}=${plain(value)}`);
  return `${clock} ${level === 'info' ? '' : `${level}: `}${msg}${details.join('')}${cause(error)}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' && /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}

/** The stack of an error begins with its name and message. */
function cause(error: unknown): string {
  if (error === undefined) return '';
  const { stack, message } = Object(error) as { stack?: string; message?: string };
  return `\n  ${(stack ?? message ?? String(error)).replaceAll('\n', '\n  ')}`;
}
