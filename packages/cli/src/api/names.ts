import { unwrap } from '@rigel/api-client';
import { nearestName } from '@rigel/contracts/nearest-name';
import type { Kind } from '../command/command.js';
import { CommandError, EXIT } from '../command/exit.js';
import type { Invocation } from '../command/invocation.js';
import { plain } from '../output/screen.js';

/** As many candidates are named at most. */
const SOME = 5;
const PAGE = 1_000;

export interface Named {
  id: number;
  name: string;
}

/** Reads things of a kind by a part of their name. */
type Search = (invocation: Invocation, name: string) => Promise<Named[]>;

const page = { page: 1, page_size: PAGE };

/** Kinds whose things have names. */
export const SEARCHES: Partial<Record<Kind, Search>> = {
  cluster: ({ api }, name) => unwrap(api().GET('/cluster/list', { params: { query: { ...page, name } } })),
  pool: ({ api }, name) => unwrap(api().GET('/pool/list', { params: { query: { ...page, name } } })),
  action: ({ api }, name) => unwrap(api().GET('/action/list', { params: { query: { ...page, name } } })),
  step: ({ api }, name) => unwrap(api().GET('/remote_step/list', { params: { query: { ...page, name } } })),
  template: ({ api }, name) => unwrap(api().GET('/task_tpl/list', { params: { query: { ...page, name } } })),
  service: async (invocation, name) => {
    const { api } = invocation;
    if (name === '') return allServices(invocation);
    const { rows } = await unwrap(api().GET('/search', { params: { query: { q: name, kinds: 'service' } } }));
    return rows.map(({ id, name }) => ({ id, name }));
  },
};

/** Services are listed cluster by cluster. */
async function allServices({ api }: Invocation): Promise<Named[]> {
  const clusters = await unwrap(api().GET('/cluster/list', { params: { query: page } }));
  const lists = await Promise.all(
    clusters.map(({ id }) =>
      unwrap(api().GET('/cluster/{id}/list_services', { params: { path: { id }, query: page } })),
    ),
  );
  return lists.flat();
}

const WHOLE_NUMBER = /^[1-9]\d{0,15}$/;

/** An id that a person wrote. @throws CommandError */
export function readId(kind: string, text: string): number {
  const id = Number(text.replace(new RegExp(`^${kind}/`), ''));
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new CommandError(`${JSON.stringify(text)} is no id of a ${kind}: a whole number from 1`);
}

/**
 * The id of a thing that a person named. A whole number is an id, `pool/7` too, as `-o name` prints it.
 * @throws CommandError `notFound`, or if several things have the name.
 */
export async function idOf(invocation: Invocation, kind: Kind, text: string): Promise<number> {
  const bare = text.startsWith(`${kind}/`) ? text.slice(kind.length + 1) : text;
  const search = SEARCHES[kind];
  if (WHOLE_NUMBER.test(bare) || !search) return readId(kind, bare);
  const found = await search(invocation, bare);
  const same = found.filter(({ name }) => name === bare);
  const [only, ...more] = same;
  if (only && more.length === 0) return only.id;
  if (only) {
    throw new CommandError(
      `${same.length} ${kind}s are named ${JSON.stringify(bare)}: name one by its id (${same
        .slice(0, SOME)
        .map(({ id }) => id)
        .join(', ')}${same.length > SOME ? ', …' : ''})`,
    );
  }
  const others = found.length > 0 ? found : await search(invocation, '');
  const nearest = nearestName(
    bare,
    others.map(({ name }) => name),
  );
  throw new CommandError(
    `there is no ${kind} ${JSON.stringify(bare)}${nearest === undefined ? '' : `; did you mean ${plain(nearest)}?`}`,
    EXIT.notFound,
  );
}
