import { MAX_PAGE_SIZE } from '@rigel/contracts';
import { toInteger } from './coerce.js';

export interface Page {
  page: number;
  page_size: number;
}

export const FIRST_PAGE: Page = { page: 1, page_size: 10 };

/** Far beyond the end of any list, and still safe to multiply with a page size. */
const MAX_PAGE = 1_000_000_000;

/**
 * Page parameters are never refused: a value that is not a positive integer means the default, a larger one than
 * allowed the largest.
 */
export function readPage(page: unknown, pageSize: unknown): Page {
  return {
    page: Math.min(positive(page, FIRST_PAGE.page), MAX_PAGE),
    page_size: Math.min(positive(pageSize, FIRST_PAGE.page_size), MAX_PAGE_SIZE),
  };
}

function positive(value: unknown, otherwise: number): number {
  const integer = toInteger(value);
  return typeof integer === 'number' && Number.isInteger(integer) && integer >= 1 ? integer : otherwise;
}
