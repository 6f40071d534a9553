/** Bounds what a JSON text can hold before it is parsed: parsing 120,000 brackets or 22,000 names holds up all others. */

/** No schema here goes deeper than an array in an object. */
const MAX_DEPTH = 8;

/** A task has a few dozen at most. */
const MAX_VALUES = 1000;

/** As it is written. A violation repeats it. */
const MAX_NAME = 256;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What is too much in the text, read up to there; undefined when nothing is. A text that is not JSON is nobody's fault here. */
export function excessOf(text: string): string | undefined {
  let depth = 0;
  let values = 0;
  /** Of the last string. */
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    switch (code) {
      case QUOTE:
        length = lengthOfString(text, at);
        at += length + 1;
        break;
      case COLON:
        if (length > MAX_NAME) return `has a name of more than ${MAX_NAME} characters`;
        break;
      case COMMA:
        values += 1;
        if (values === MAX_VALUES) return `has more than ${MAX_VALUES} values`;
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        depth += 1;
        if (depth > MAX_DEPTH) return 'is nested too deeply';
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        depth -= 1;
    }
  }
  return undefined;
}

/** @param start where its first quote is */
function lengthOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at - start - 1;
}
