import { type EndpointSpec, type Params, pathParams } from '../endpoint.js';
import type { Expectation, Success } from '../expectation.js';
import type { ApiRequest } from '../http.js';
import type { World } from '../world.js';

/** Where the parameters stand that are not in the path. */
export type Place = 'json' | 'query' | 'form';

/** A request of an endpoint; parameters that are undefined are left out. */
export function requestOf(
  spec: EndpointSpec,
  params: Params,
  how: { method?: string; path?: string; place?: Place; headers?: Record<string, string> } = {},
): ApiRequest {
  const { method = spec.methods[0] ?? 'POST', path = spec.paths[0] ?? '/', place = 'json', headers } = how;
  const inPath = pathParams(path);
  const rest = Object.entries(params).filter(
    ([name, value]) => value !== undefined && !inPath.includes(name),
  );
  return {
    method,
    path: inPath.reduce(
      (address, name) => address.replace(`:${name}`, () => encodeURIComponent(String(params[name]))),
      path,
    ),
    ...placed(rest, place),
    ...(headers ? { headers } : {}),
  };
}

/** Texts cannot hold lists and objects: they go into the body all the same. */
function placed(entries: [string, unknown][], place: Place): Pick<ApiRequest, 'query' | 'body'> {
  if (entries.length === 0) return {};
  if (place === 'json') return { body: Object.fromEntries(entries) };
  const scalars = entries.filter(([, value]) => typeof value !== 'object');
  const others = entries.filter(([, value]) => typeof value === 'object');
  const texts = Object.fromEntries(scalars.map(([name, value]) => [name, String(value)]));
  if (place === 'query') {
    return { query: texts, ...(others.length > 0 ? { body: Object.fromEntries(others) } : {}) };
  }
  return { body: new URLSearchParams(texts).toString() };
}

/**
 * Parameters of a request that would succeed, the same for all who ask: for reads, and for requests that are refused and so use
 * nothing up.
 */
export function sharedValid(spec: EndpointSpec, world: World): Promise<Params> {
  return world.shared(`valid ${spec.id}`, () => spec.valid(world));
}

/** What an endpoint answers when all is well. */
export function successOf(spec: EndpointSpec, method?: string): Expectation {
  return spec.answered ?? shapeOf(spec, method);
}

/** The success of an endpoint. */
export function shapeOf(spec: EndpointSpec, method: string = spec.methods[0] ?? 'POST'): Success {
  return {
    data: (method === 'GET' ? spec.dataByGet : undefined) ?? spec.data,
    paged: spec.paged !== undefined || (spec.pagingBeside?.includes(method as 'GET') ?? false),
  };
}

/** Whether an endpoint takes lists or objects: they cannot come as text. */
export function takesStructures(spec: EndpointSpec): boolean {
  return Object.values(spec.params ?? {}).some(({ kind }) => kind === 'structure');
}
