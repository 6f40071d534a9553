/** Under which revisions of its target a write may happen. */
export interface Precondition {
  /** One of these; undefined is any. */
  if_match?: readonly number[] | undefined;
  /** None of these; `*` is none at all, undefined any. */
  if_none_match?: readonly number[] | '*' | undefined;
}

export function allows({ if_match, if_none_match }: Precondition, revision: number): boolean {
  if (if_none_match === '*' || if_none_match?.includes(revision)) return false;
  return if_match === undefined || if_match.includes(revision);
}
