import { unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/api.js';

/** The name of a template; its number until that is read, and when it cannot be. @param id 0: none, which has no name */
export function useTemplateName(id: number): string {
  const { data } = useQuery({
    queryKey: ['template', id, 'name'],
    queryFn: async () => (await unwrap(api.GET('/task_tpl/{id}', { params: { path: { id } } }))).name,
    enabled: id !== 0,
    staleTime: 60_000,
  });
  return data ?? (id === 0 ? '' : `#${id}`);
}
