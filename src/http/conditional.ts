/** Conditional requests (RFC 9110 section 13) by strong validators that are revision numbers. */
import { InvalidInput, RevisionMismatch } from '../errors.ts';
import { Problem } from './problems.ts';

interface EntityTag {
  weak: boolean;
  /** The text between the quotes. */
  opaque: string;
}

const REVISION = /^[1-9]\d{0,14}$/;

/** How the revisions of a resource are written as entity tags. */
export interface Validator {
  tagOf(revision: number): string;
  /** The revision in the opaque part of a tag; undefined when the tag is of another resource. */
  revisionOf(opaque: string): number | undefined;
}

/** For a resource whose revision is its own. */
export const ownRevision: Validator = {
  tagOf: (revision) => `"${revision}"`,
  revisionOf: (opaque) => (REVISION.test(opaque) ? Number(opaque) : undefined),
};

/** For a list: the user's counter and a digest of the query, so that the tag of one list is not the tag of another. */
export function counterAndQuery(query: unknown): Validator {
  const digest = Bun.hash(JSON.stringify(query)).toString(36).padStart(13, '0');
  return {
    tagOf: (revision) => `"${revision}.${digest}"`,
    revisionOf(opaque) {
      if (!opaque.endsWith(`.${digest}`)) return undefined;
      const counter = opaque.slice(0, -digest.length - 1);
      // The counter of a user who never had a task.
      return counter === '0' ? 0 : ownRevision.revisionOf(counter);
    },
  };
}

const COUNTED = '.counted';

/**
 * For a list that was asked for with a count. A browser that has the list without one asks with the tag of that, also
 * when `Vary` tells the two apart, and a 304 would leave it without the count.
 */
export function counted({ tagOf, revisionOf }: Validator): Validator {
  return {
    tagOf: (revision) => tagOf(revision).replace(/"$/, `${COUNTED}"`),
    revisionOf: (opaque) => (opaque.endsWith(COUNTED) ? revisionOf(opaque.slice(0, -COUNTED.length)) : undefined),
  };
}

/** Takes the tags of a list with and without a count. */
export function countedOrNot(validator: Validator): Validator {
  const { revisionOf } = counted(validator);
  return { ...validator, revisionOf: (opaque) => validator.revisionOf(opaque) ?? revisionOf(opaque) };
}

/**
 * Runs a write under the preconditions of the request; when it rejects with RevisionMismatch, the answer is a 412 with
 * the current ETag. With `required`, a write must say which revision it is made to.
 * @throws InvalidInput for a field that is neither `*` nor a list of entity tags; Problem 428
 */
export async function underPrecondition<T>(
  request: Request,
  { tagOf, revisionOf }: Validator,
  required: boolean,
  write: (precondition: { if_match?: number[] | undefined; if_none_match?: number[] | '*' | undefined }) => Promise<T>,
): Promise<T> {
  if (required && !request.headers.has('if-match'))
    throw new Problem('precondition-required', 'Send If-Match with the ETag of what is to be changed.');
  const match = ifMatchOf(request);
  // `*` allows any revision: what does not exist is a 404 before it is a 412. A weak tag never matches (strong comparison).
  const if_match =
    match === '*' ? undefined : match?.flatMap(({ weak, opaque }) => (weak ? [] : (revisionOf(opaque) ?? [])));
  const if_none_match = revisionsOf(ifNoneMatchOf(request), revisionOf);
  try {
    return await write({ if_match, if_none_match });
  } catch (error) {
    if (!(error instanceof RevisionMismatch)) throw error;
    const detail = match !== '*' && match?.every(({ weak }) => weak) ? ONLY_WEAK : error.message;
    throw new Problem('precondition-failed', detail, { headers: { etag: tagOf(error.current) } });
  }
}

/** RFC 9110 section 13.1.1: If-Match compares strongly. */
const ONLY_WEAK =
  'A weak ETag never matches If-Match. Something on the way, such as compression, made it weak: send it without W/.';

type Revisions = number[] | '*' | undefined;

/** The revisions that a reader has, by `If-None-Match`, compared weakly; a malformed field matches nothing. */
export function knownRevisions(request: Request, { revisionOf }: Validator): Revisions {
  try {
    return revisionsOf(ifNoneMatchOf(request), revisionOf);
  } catch {
    return undefined;
  }
}

/** Whether `If-None-Match` names this tag, compared weakly; a malformed field names nothing. */
export function hasTag(request: Request, tag: string): boolean {
  const field = request.headers.get('if-none-match');
  return field !== null && (field.trim() === '*' || (parse(field)?.some(({ opaque }) => opaque === tag) ?? false));
}

/** Whether the client has this revision. */
export function isKnown(revision: number, known: Revisions): boolean {
  return known === '*' || (known?.includes(revision) ?? false);
}

function revisionsOf(tags: EntityTag[] | '*' | undefined, revisionOf: Validator['revisionOf']): Revisions {
  return tags === '*' ? tags : tags?.flatMap(({ opaque }) => revisionOf(opaque) ?? []);
}

/** @throws InvalidInput for a field that is neither `*` nor a list of entity tags */
export const ifMatchOf = (request: Request) => read(request, 'if-match');
/** @throws InvalidInput for a field that is neither `*` nor a list of entity tags */
export const ifNoneMatchOf = (request: Request) => read(request, 'if-none-match');

function read(request: Request, name: 'if-match' | 'if-none-match'): EntityTag[] | '*' | undefined {
  const field = request.headers.get(name);
  if (field === null) return undefined;
  if (field.trim() === '*') return '*';
  const tags = parse(field);
  if (tags) return tags;
  const pointer = name === 'if-match' ? 'If-Match' : 'If-None-Match';
  throw new InvalidInput([{ in: 'header', pointer, detail: 'must be * or entity tags in double quotes' }]);
}

/** An entity tag, or nothing, up to the next comma or the end. */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

/** The tags of a field; several fields arrive as one, joined by commas. Returns undefined for anything but a list of entity tags. */
function parse(field: string): EntityTag[] | undefined {
  const tags: EntityTag[] = [];
  ELEMENT.lastIndex = 0;
  while (ELEMENT.lastIndex < field.length) {
    const element = ELEMENT.exec(field);
    if (!element) return undefined;
    const [, weak, opaque] = element;
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque });
  }
  return tags.length > 0 ? tags : undefined;
}
