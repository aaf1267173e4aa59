import { ServiceError } from '@rigel/contracts';

/*
 * The bus scans JSON before it parses it. A few characters tell how many objects its values would cost, and how deep a
 * stack walking them would need. A megabyte can be 250,000 empty objects, or half a million nested lists.
 */

/** Limits of a JSON text. */
export interface JsonLimits {
  /** Nested lists and objects. */
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
 * Scans JSON in one pass, and ends at the first limit. The JSON may be malformed: parsing finds that.
 * @throws ServiceError `invalid`, which names the limit.
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
          throw new ServiceError('invalid', `the message nests more than ${maxDepth} lists and objects`);
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
