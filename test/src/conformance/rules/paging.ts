import type { Asked, Case } from '../case.js';
import { WrongAnswer } from '../case.js';
import type { EndpointSpec, Params } from '../endpoint.js';
import type { Success } from '../expectation.js';
import type { ApiAnswer, ApiRequest } from '../http.js';
import { isObject } from '../shape.js';
import { requestOf, shapeOf } from './requests.js';

/* Lists come in pages, whose parameters are never wrong. */

type Paged = EndpointSpec & { paged: NonNullable<EndpointSpec['paged']> };

export function pagingCases(spec: EndpointSpec): Case[] {
  if (!spec.paged) return [];
  const list = spec as Paged;
  return [
    ...placesOfPages(list),
    ...strangePages(list),
    largest(list),
    beyond(list),
    ordered(list),
    ...filtered(list),
  ];
}

interface Listed {
  rows: Record<string, unknown>[];
  count: number;
  request: ApiRequest;
  answer: ApiAnswer;
}

async function listed(
  asked: Asked,
  spec: Paged,
  params: Params,
  more: Partial<ApiRequest> & { page?: number; page_size?: number },
): Promise<Listed> {
  const { page, page_size, ...change } = more;
  const request = { ...requestOf(spec, params), ...change };
  const expected: Success = {
    ...shapeOf(spec, request.method),
    ...(page === undefined ? {} : { page }),
    ...(page_size === undefined ? {} : { page_size }),
  };
  const answer = await asked.expect(request, expected);
  const json = answer.json as { data: Record<string, unknown>[]; query_count: number };
  return { rows: json.data, count: json.query_count, request, answer };
}

function wrongList({ request, answer }: Listed, problem: string): WrongAnswer {
  return new WrongAnswer(request, answer, [problem]);
}

function placesOfPages(spec: Paged): Case[] {
  const places: [string, Partial<ApiRequest>][] = [
    ['in the query', { query: { page: '2', page_size: '1' } }],
    ['as a form that is labelled as JSON', { body: 'page=2&page_size=1' }],
    ['as JSON', { body: { page: 2, page_size: 1 } }],
    ['as JSON, as text', { body: { page: '2', page_size: '1' } }],
    ['in body and query: the body counts', { body: { page: 2 }, query: { page: '7', page_size: '1' } }],
    [
      'in the query, beside a body that cannot be read',
      { body: '{"page": 3', query: { page: '2', page_size: '1' } },
    ],
  ];
  return places.flatMap(([where, change]) =>
    spec.methods.map((method) => ({
      endpoint: spec.id,
      rule: `${method}: pages ${where}`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        const list = await listed(asked, spec, params, { method, ...change, page: 2, page_size: 1 });
        if (list.rows.length > 1) throw wrongList(list, 'there must be one row at most');
      },
    })),
  ) as Case[];
}

/** Whatever is no page means the first, whatever is no size means ten. */
function strangePages(spec: Paged): Case[] {
  return ['', 'x', '0', '-3', '1.5', 'null'].map((value) => ({
    endpoint: spec.id,
    rule: `page and page_size ${value === '' ? 'empty' : value} mean the default`,
    run: async (asked) => {
      const params = await spec.valid(asked.world);
      const query = { page: value, page_size: value };
      const list = await listed(asked, spec, params, { query, page: 1, page_size: 10 });
      if (list.rows.length > 10) throw wrongList(list, 'there must be ten rows at most');
    },
  }));
}

function largest(spec: Paged): Case {
  return {
    endpoint: spec.id,
    rule: 'page_size is 10000 at most',
    run: async (asked) => {
      const params = await spec.valid(asked.world);
      const list = await listed(asked, spec, params, {
        query: { page_size: '20000' },
        page: 1,
        page_size: 10_000,
      });
      if (list.rows.length !== Math.min(list.count, 10_000)) {
        throw wrongList(list, `query_count is ${list.count}, and there are ${list.rows.length} rows`);
      }
    },
  };
}

function beyond(spec: Paged): Case {
  return {
    endpoint: spec.id,
    rule: 'a page past the end is empty, and query_count counts all rows',
    run: async (asked) => {
      const params = await spec.valid(asked.world);
      await spec.paged.row(asked.world, params);
      for (const page of [999_999, Number.MAX_SAFE_INTEGER]) {
        const list = await listed(asked, spec, params, { query: { page: String(page) } });
        if (list.rows.length !== 0) throw wrongList(list, 'there must be no row');
        if (list.count < 1) throw wrongList(list, 'query_count must count the rows of all pages');
      }
    },
  };
}

function ordered(spec: Paged): Case {
  const { order } = spec.paged;
  return {
    endpoint: spec.id,
    rule: `${order}, no row twice`,
    run: async (asked) => {
      const params = await spec.valid(asked.world);
      const first = await spec.paged.row(asked.world, params);
      const second = await spec.paged.row(asked.world, params);
      const list = await listed(asked, spec, params, { query: { page_size: '10000' } });
      const ids = list.rows.map(({ id }) => Number(id));
      const sorted = [...new Set(ids)].sort((a, b) => (order === 'oldest first' ? a - b : b - a));
      if (sorted.join() !== ids.join()) throw wrongList(list, `rows must be sorted by id, ${order}`);
      for (const { id } of [first, second]) {
        if (!ids.includes(id)) throw wrongList(list, `the row ${id} is missing`);
      }
    },
  };
}

function filtered(spec: Paged): Case[] {
  const { filter } = spec.paged;
  if (!filter) return [];
  const { param, field } = filter;
  return [
    {
      endpoint: spec.id,
      rule: `${param} filters by a part of ${field}`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        const { id, keyword } = await spec.paged.row(asked.world, params);
        // A part from the middle that nothing else has.
        const part = keyword.slice(2);
        for (const change of [{ query: { [param]: part } }, { body: { [param]: part } }]) {
          const list = await listed(asked, spec, params, change);
          if (list.rows.length !== 1 || list.rows[0]?.id !== id || list.count !== 1) {
            throw wrongList(list, `only the row ${id} has ${part}`);
          }
        }
      },
    },
    {
      endpoint: spec.id,
      rule: `signs of ${param} stand for themselves`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        await spec.paged.row(asked.world, params);
        for (const part of ['%', '_', '\\', "'"]) {
          const list = await listed(asked, spec, params, { query: { [param]: part, page_size: '10000' } });
          const other = list.rows.find((row) => isObject(row) && !String(row[field]).includes(part));
          if (other) throw wrongList(list, `${String(other[field])} does not contain ${part}`);
        }
      },
    },
    {
      endpoint: spec.id,
      rule: `an empty ${param} is no filter`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        const { id } = await spec.paged.row(asked.world, params);
        const list = await listed(asked, spec, params, { query: { [param]: '', page_size: '10000' } });
        if (!list.rows.some((row) => row.id === id)) throw wrongList(list, `the row ${id} is missing`);
      },
    },
    {
      endpoint: spec.id,
      rule: `${param} that nothing has`,
      run: async (asked) => {
        const params = await spec.valid(asked.world);
        const query = { [param]: asked.world.name('nowhere') };
        const list = await listed(asked, spec, params, { query });
        if (list.rows.length !== 0 || list.count !== 0) throw wrongList(list, 'there must be no row');
      },
    },
  ];
}
