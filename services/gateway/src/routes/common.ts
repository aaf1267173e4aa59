import { Id } from '@rigel/contracts';
import { Type } from 'typebox';
import type { Method } from '../endpoint.js';

/*
 * Parts of endpoints that all resources share: methods, parameters, and texts that the API documents in many places.
 */

/** Documented as POST or GET, both are accepted. */
export const READ_BY_GET: readonly Method[] = ['GET', 'POST'];
export const READ_BY_POST: readonly Method[] = ['POST', 'GET'];
export const DELETE_BY_POST: readonly Method[] = ['POST', 'DELETE'];
export const DELETE_BY_DELETE: readonly Method[] = ['DELETE', 'POST'];

export const STORE_LOST = 'db server lost...';
export const PARSE_FAILED = '请求参数解析错误';
export const STORE_FAILED = '数据库操作失败';
export const ID_WRONG = 'id is error...';
export const REFUSED = 'error...';

export function idOf(what: string) {
  return Type.Integer({ ...Id, description: `Id of the ${what}.` });
}

/** Part of the name (or address) that the rows of a list must contain; empty means all rows. */
export function filter(what: string) {
  return Type.Optional(Type.String({ description: `Only rows whose ${what} contains this text.` }));
}

/** An empty filter is none. */
export function filterOf(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

export const Name = Type.String({ description: 'Name, 1 to 50 characters, unique.' });
export const Desc = Type.String({ description: 'Description, up to 255 characters, may be empty.' });

/** Results of writes without data. */
export const EmptyText = Type.Literal('');
export const EmptyObject = Type.Object({}, { additionalProperties: false });
export const NewId = Type.Object({ id: Id });
