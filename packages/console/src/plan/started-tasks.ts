import { unwrap } from '@rigel/api-client';

/** Ids of the tasks that a request has made; the API names them in a header. */
export async function startedTasks(
  call: Promise<{ data?: unknown; error?: unknown; response: Response }>,
): Promise<number[]> {
  const { response } = await call;
  await unwrap(call);
  return (response.headers.get('x-task-id') ?? '')
    .split(',')
    .map(Number)
    .filter((id) => id > 0);
}
