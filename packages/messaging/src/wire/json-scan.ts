import { ServiceError } from '@rigel/contracts';

/*
 * JSON is looked through before it is parsed: what its values would cost in objects, and in the stack of whoever walks them, follows
 * from a few characters of it. A megabyte can be 250,000 empty objects, or half a million lists in each other.
 */

/** What JSON may hold at most. */
export interface JsonLimits {
  /** Lists and objects in each other. */
  depth: number;
  /** Values of all kinds. */
  values: number;
  /** Members of the outermost list or object. */
  members?: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENS_LIST = 0x5b;
const CLOSES_LIST = 0x5d;
const OPENS_OBJECT = 0x7b;
const CLOSES_OBJECT = 0x7d;

/**
 * Looks through JSON in one pass, and ends at the first limit. It need not be right: parsing shows what is not.
 * @throws ServiceError `invalid`, saying which limit.
 */
export function checkJsonShape(data: Uint8Array, limits: JsonLimits): void {
  const { depth: maxDepth, values: maxValues, members: maxMembers = maxValues } = limits;
  let depth = 0;
  let values = 1;
  let members = 1;
  const { length } = data;
  for (let place = 0; place < length; place++) {
    switch (data[place]) {
      case QUOTE:
        place++;
        while (place < length && data[place] !== QUOTE) place += data[place] === BACKSLASH ? 2 : 1;
        break;
      case COMMA:
        values++;
        if (depth === 1 && ++members > maxMembers) throw tooMany('members', maxMembers);
        if (values > maxValues) throw tooMany('values', maxValues);
        break;
      case OPENS_LIST:
      case OPENS_OBJECT:
        values++;
        if (++depth > maxDepth)
          throw new ServiceError(
            'invalid',
            `the message has more than ${maxDepth} lists and objects in each other`,
          );
        if (values > maxValues) throw tooMany('values', maxValues);
        break;
      case CLOSES_LIST:
      case CLOSES_OBJECT:
        depth--;
        break;
    }
  }
}

function tooMany(what: string, limit: number): ServiceError {
  return new ServiceError('invalid', `the message has more than ${limit} ${what}`);
}
