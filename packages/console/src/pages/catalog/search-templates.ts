import { unwrap } from '@rigel/api-client';
import { api } from '../../api/api.js';

/** The first templates whose name contains a text, to choose from. */
export async function searchTemplates(name: string) {
  const rows = await unwrap(
    api.GET('/task_tpl/list', {
      params: { query: { page: 1, page_size: 50, ...(name === '' ? {} : { name }) } },
    }),
  );
  return rows.map(({ id, name, desc }) => ({ id, name, ...(desc === '' ? {} : { detail: desc }) }));
}
