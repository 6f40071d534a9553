/** Conditional requests (RFC 9110 section 13) by strong validators that are revision numbers. */
import { InvalidInput } from '../errors.ts';

interface EntityTag {
  weak: boolean;
  /** What stands between the quotes. */
  opaque: string;
}

const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;
const REVISION = /^[1-9]\d{0,14}$/;

/** The validator of a single task. */
export const entityTag = (revision: number): string => `"${revision}"`;

/**
 * The revisions that `If-Match` allows; undefined when it allows any: there is no such field, or it is `*`. A weak tag,
 * or one that is no revision, matches nothing, as strong comparison wants it.
 * @throws InvalidInput when the field is neither `*` nor a list of entity tags
 */
export function revisionsToMatch(request: Request, revisionOf = revisionOfTask): number[] | undefined {
  const field = request.headers.get('if-match');
  if (field === null || field.trim() === '*') return undefined;
  const tags = parse(field);
  if (!tags)
    throw new InvalidInput([
      { in: 'header', pointer: 'If-Match', detail: 'must be * or entity tags in double quotes' },
    ]);
  return tags.flatMap(({ weak, opaque }) => (weak ? [] : (revisionOf(opaque) ?? [])));
}

/**
 * The revisions that the client has, by `If-None-Match`; weak comparison. Undefined when it names none; a field that
 * cannot be read matches nothing, and the client gets the whole answer.
 */
export function revisionsKnown(request: Request, revisionOf = revisionOfTask): number[] | '*' | undefined {
  const field = request.headers.get('if-none-match');
  if (field === null) return undefined;
  if (field.trim() === '*') return '*';
  return parse(field)?.flatMap(({ opaque }) => revisionOf(opaque) ?? []);
}

/** Whether the answer of this revision is what the client has. */
export function isKnown(revision: number, known: number[] | '*' | undefined): boolean {
  return known === '*' || (known?.includes(revision) ?? false);
}

function revisionOfTask(opaque: string): number | undefined {
  return REVISION.test(opaque) ? Number(opaque) : undefined;
}

/** Several fields arrive as one, joined by commas; a comma may also stand within a tag. Empty elements are allowed. */
function parse(field: string): EntityTag[] | undefined {
  const tags: EntityTag[] = [];
  for (const element of field.match(/[^",]*("[^"]*"[^",]*)?(,|$)/g) ?? []) {
    const text = element.replace(/,$/, '').trim();
    if (text === '') continue;
    const match = ENTITY_TAG.exec(text);
    if (!match) return undefined;
    tags.push({ weak: match[1] !== undefined, opaque: match[2] ?? '' });
  }
  return tags;
}

/** Validators of a list: the user's counter and a digest of what was asked, so that one list's tag is not another's. */
export function listTags(query: unknown) {
  const digest = new Bun.CryptoHasher('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 11);
  return {
    of: (revision: number) => `"${revision}.${digest}"`,
    revisionOf: (opaque: string) => (opaque.endsWith(`.${digest}`) ? counterOf(opaque) : undefined),
  };
}

/** The counter in the tag of any list; a user without tasks has 0. */
export function counterOf(opaque: string): number | undefined {
  const [counter = ''] = opaque.split('.', 1);
  return counter === '0' || REVISION.test(counter) ? Number(counter) : undefined;
}
