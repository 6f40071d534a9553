/** The filters of due times, as the instants that they mean. */
import { InvalidInput, type Violation } from '../errors.ts';
import { isDay } from '../types.ts';

export interface DueFilter {
  /** Due before, or after, this instant. */
  due_before?: string | undefined;
  due_after?: string | undefined;
  has_due?: boolean | undefined;
  /** Due on these days, both included, as seen in `time_zone`. */
  due_from?: string | undefined;
  due_until?: string | undefined;
  time_zone?: string | undefined;
}

/** From the first instant up to the second, which is not in it; null is no end. */
export type Span = readonly [from: string | null, before: string | null];

/** Checks what no schema of a single parameter says. @throws InvalidInput */
export function checkDays(query: { due_on?: unknown; due_from?: unknown; due_until?: unknown }): void {
  const { due_on, due_from, due_until } = query;
  const violations: Violation[] = [];
  if (due_on !== undefined && (due_from !== undefined || due_until !== undefined))
    violations.push({ in: 'query', pointer: 'due_on', detail: 'must not come with due_from or due_until' });
  // In this form, days sort as they follow each other.
  if (isDay(due_from) && isDay(due_until) && due_from > due_until)
    violations.push({ in: 'query', pointer: 'due_until', detail: 'must not be before due_from' });
  if (violations.length > 0) throw new InvalidInput(violations);
}

/** The first instant of a day in UTC, which the day counts as in a sort. */
export const firstInstantOf = (day: string): string => `${day}T00:00:00.000Z`;

const FIRST_DAY = '1970-01-01';
const LAST_DAY = '9999-12-31';
const FIRST = Date.parse(firstInstantOf(FIRST_DAY));
const LAST = Date.parse(`${LAST_DAY}T23:59:59.999Z`);

/** Which ends the filter sets to the range of due times; whichever it is, only tasks that are due at some time match. */
export function dueEndsOf({ due_before, due_after, due_from, due_until, has_due }: DueFilter) {
  const first = due_after !== undefined || due_from !== undefined;
  const last = due_before !== undefined || due_until !== undefined;
  const isEmpty = (has_due === false && (first || last)) || (due_after !== undefined && timeOf(due_after) === LAST);
  return { first: first || isEmpty, last: last || isEmpty, isEmpty };
}

/**
 * The first and the last instant, both included, that what matches can be due at: a range of the index of due times,
 * where a day counts as its first instant in UTC. A range without any instant matches nothing.
 */
export function dueRangeOf(filter: DueFilter): { first: string | null; last: string | null } {
  const ends = dueEndsOf(filter);
  const { due_before, due_after, due_from, due_until } = filter;
  const spans = dueDaysOf(filter)?.instants ?? [];
  let [first, last] = [FIRST, LAST];
  if (due_after !== undefined) first = timeOf(due_after) + 1;
  if (due_before !== undefined) last = timeOf(due_before) - 1;
  if (due_from !== undefined)
    first = Math.max(first, Math.min(timeOf(firstInstantOf(due_from)), timeOf(spans.at(0)?.[0])));
  if (due_until !== undefined)
    last = Math.min(last, Math.max(timeOf(firstInstantOf(due_until)), timeOf(spans.at(-1)?.[1])));
  if (ends.isEmpty) return { first: textOf(LAST), last: textOf(FIRST) };
  return { first: ends.first ? textOf(first) : null, last: ends.last ? textOf(last) : null };
}

const timeOf = (instant: string | null | undefined): number => (instant ? Date.parse(instant) : LAST);

/** The days on which what matches is due, and the instants that fall on them; undefined when the filter names no days. */
export function dueDaysOf({ due_from, due_until, time_zone = 'UTC' }: DueFilter) {
  if (due_from === undefined && due_until === undefined) return undefined;
  const instants = instantsOn(due_from, due_until, time_zone);
  return { from: due_from ?? FIRST_DAY, until: due_until ?? LAST_DAY, instants };
}

/**
 * The instants that fall on the days. They are not always one span: where a clock was set back across midnight, as in
 * St. John's until 2011 from 00:01 to 23:01, the new day began, was interrupted by the old one, and began again.
 */
function instantsOn(from: string | undefined, until: string | undefined, zone: string): Span[] {
  const start = from === undefined ? undefined : beginningOf(Temporal.PlainDate.from(from), zone);
  // The year after the last needs more digits than PostgreSQL reads; nothing is due then.
  const isOpen = until === undefined || until === LAST_DAY;
  const end = isOpen ? undefined : beginningOf(Temporal.PlainDate.from(until).add({ days: 1 }), zone);
  const spans: Span[] = [[start?.resumes ?? null, end?.begins ?? null]];
  if (start) spans.unshift([start.begins, start.interrupted]);
  if (end) spans.push([end.interrupted, end.resumes]);
  return spans.filter(([first, after]) => first === null || after === null || first < after);
}

/** The three are the same where no clock is set back across the midnight before the day. */
function beginningOf(day: Temporal.PlainDate, zone: string) {
  const begins = day.toZonedDateTime(zone);
  const again = day.toPlainDateTime().toZonedDateTime(zone, { disambiguation: 'later' });
  // After a midnight that the clock skips, `again` is later too, but no midnight.
  const isRepeated =
    again.epochMilliseconds > begins.epochMilliseconds && again.toPlainTime().equals(new Temporal.PlainTime());
  const interrupted = isRepeated ? begins.getTimeZoneTransition('next') : null;
  return {
    begins: textOf(begins.epochMilliseconds),
    interrupted: textOf((interrupted ?? begins).epochMilliseconds),
    resumes: textOf((isRepeated ? again : begins).epochMilliseconds),
  };
}

const textOf = (time: number) => new Date(time).toISOString();
