import type { Case } from '../case.js';
import type { ApiRequest } from '../http.js';
import { exactly } from '../shape.js';

/* Nothing is outside the envelope. */

const notFound = { code: 404, text: 'not found', data: {}, exact: true } as const;

const UNKNOWN: ApiRequest[] = [
  { method: 'GET', path: '/' },
  { method: 'GET', path: '/cluster' },
  { method: 'POST', path: '/nowhere', body: { name: 'a' } },
  { method: 'POST', path: '/cluster/1/2/3' },
  { method: 'POST', path: '/task_step/update/2', body: { page: 1, page_size: 10 } },
  { method: 'POST', path: '/cluster/%ff' },
  { method: 'POST', path: '/%' },
  { method: 'PUT', path: '/nowhere' },
  { method: 'POST', path: '//cluster//list' },
  { method: 'GET', path: '/cluster/list/..;/list' },
];

/** As much as no server should read. */
const LARGE = Buffer.alloc(17 * 1024 * 1024, 'x');

/** What each of these takes is less, or 16 MiB at most. */
const TOO_LARGE = [
  '/cluster/list',
  '/cluster/create',
  '/pool/search_by_ip',
  '/pool/1/add_nodes',
  '/task/create',
  '/task_tpl/create',
];

export const envelopeCases: Case[] = [
  ...UNKNOWN.map(
    (request): Case => ({
      endpoint: 'envelope',
      rule: `${request.method} ${request.path} does not exist`,
      run: async (asked) => {
        await asked.expect(request, notFound);
      },
    }),
  ),
  ...TOO_LARGE.map(
    (path): Case => ({
      endpoint: 'envelope',
      rule: `a body of 17 MiB at ${path}`,
      run: async (asked) => {
        await asked.expect(
          { method: 'POST', path, body: LARGE },
          { code: 413, text: 'the body has 17825792 bytes', data: {}, says: 'takes at most' },
        );
      },
    }),
  ),
  {
    endpoint: 'envelope',
    rule: 'a header Expect that nobody understands is refused',
    run: async (asked) => {
      await asked.expect(
        { method: 'POST', path: '/cluster/list', headers: { expect: 'a wonder' } },
        { code: 417, text: '', data: {}, says: 'Expect' },
      );
    },
  },
  {
    endpoint: 'envelope',
    rule: 'a long value is shown in whole characters',
    run: async (asked) => {
      const body = { name: '😀'.repeat(120), desc: '', biz: '' };
      await asked.expect(
        { method: 'POST', path: '/cluster/create', body },
        { code: 400, text: 'db server lost...', data: {}, says: /^[^\p{Surrogate}\ufffd]*😀{77}\.\.\./u },
      );
    },
  },
  {
    endpoint: 'envelope',
    rule: 'an empty Content-Encoding is none',
    run: async (asked) => {
      const { id } = await asked.world.cluster();
      const path = `/cluster/update/${id}`;
      const body = { name: asked.world.name('cluster') };
      await asked.expect(
        { method: 'POST', path, body, headers: { 'content-encoding': '' } },
        { data: exactly('') },
      );
    },
  },
  ...[
    '/service/create',
    '/pool/create',
    '/task/impl/create',
    '/task/create',
    '/pool/1/add_nodes',
    '/pool/1/remove_nodes',
  ].map(
    (path): Case => ({
      endpoint: 'envelope',
      rule: `GET ${path} changes nothing without a body`,
      run: async (asked) => {
        const code = path.endsWith('add_nodes') ? 404 : 400;
        const data = path === '/task/impl/create' ? ({} as const) : ([] as []);
        await asked.expect(
          { method: 'GET', path, query: { name: 'a', desc: '', nodes: '' } },
          { code, text: '', data, says: 'body' },
        );
      },
    }),
  ),
];
