/** Conditional requests (RFC 9110 section 13) by strong validators that are revision numbers. */
import { InvalidInput } from '../errors.ts';

interface EntityTag {
  weak: boolean;
  /** What stands between the quotes. */
  opaque: string;
}

const REVISION = /^[1-9]\d{0,14}$/;

/** The validator of a single task. */
export const entityTag = (revision: number): string => `"${revision}"`;

type RevisionOf = (opaque: string) => number | undefined;

type Revisions = readonly number[] | '*' | undefined;

/**
 * The precondition of a write. `If-Match: *` allows any, for what does not exist is a 404 before it is a 412; a weak
 * tag, or one that is no revision, matches nothing, as strong comparison wants it.
 * @throws InvalidInput when a field is neither `*` nor a list of entity tags
 */
export function preconditionOf(request: Request, revisionOf: RevisionOf = revisionOfTask) {
  const match = read(request, 'if-match');
  const if_match =
    match === '*' ? undefined : match?.flatMap(({ weak, opaque }) => (weak ? [] : (revisionOf(opaque) ?? [])));
  return { if_match, if_none_match: revisionsOf(read(request, 'if-none-match'), revisionOf) };
}

/** The revisions that a reader has, by `If-None-Match`, compared weakly; what cannot be read matches nothing. */
export function knownRevisions(request: Request, revisionOf: RevisionOf = revisionOfTask): Revisions {
  try {
    return revisionsOf(read(request, 'if-none-match'), revisionOf);
  } catch {
    return undefined;
  }
}

function revisionsOf(tags: EntityTag[] | '*' | undefined, revisionOf: RevisionOf) {
  return tags === '*' ? tags : tags?.flatMap(({ opaque }) => revisionOf(opaque) ?? []);
}

function read(request: Request, name: 'if-match' | 'if-none-match'): EntityTag[] | '*' | undefined {
  const field = request.headers.get(name);
  if (field === null) return undefined;
  if (field.trim() === '*') return '*';
  const tags = parse(field);
  if (tags) return tags;
  const pointer = name === 'if-match' ? 'If-Match' : 'If-None-Match';
  throw new InvalidInput([{ in: 'header', pointer, detail: 'must be * or entity tags in double quotes' }]);
}

/** Whether the client has what is of this revision. */
export function isKnown(revision: number, known: Revisions): boolean {
  return known === '*' || (known?.includes(revision) ?? false);
}

function revisionOfTask(opaque: string): number | undefined {
  return REVISION.test(opaque) ? Number(opaque) : undefined;
}

/** An entity tag, or nothing, up to the next comma or the end. */
const ELEMENT = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(?:,|$)/y;

/** The tags of a field; several fields arrive as one, joined by commas. Undefined when it is no list of entity tags. */
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

/** Validators of a list: the user's counter, and a digest of what was asked, so that one list's tag is not another's. */
export function listTags(query: unknown) {
  const digest = Bun.hash(JSON.stringify(query)).toString(36).padStart(13, '0');
  return {
    of: (revision: number) => `"${revision}.${digest}"`,
    /** The counter in a tag of this list; 0 for a user who never had a task. */
    revisionOf(opaque: string): number | undefined {
      if (!opaque.endsWith(`.${digest}`)) return undefined;
      const counter = opaque.slice(0, -digest.length - 1);
      return counter === '0' ? 0 : revisionOfTask(counter);
    },
  };
}
