import { type TSchema, Type } from 'typebox';

/** Id of a row: a positive integer that the owning service gave, never used again. */
export const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const MAX_PAGE_SIZE = 10_000;

/** The part of a list to read; pages are counted from 1. */
export const pageFields = {
  page: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  page_size: Type.Integer({ minimum: 1, maximum: MAX_PAGE_SIZE }),
};

/** One page of rows, and the number of matching rows over all pages. */
export function pageOf<Row extends TSchema>(row: Row) {
  return Type.Object({ rows: Type.Array(row), total: Type.Integer({ minimum: 0 }) });
}

/** The answer of an operation that only says that it is done. */
export const Done = Type.Object({});

/** The id of a row that was created. */
export const Created = Type.Object({ id: Id });
