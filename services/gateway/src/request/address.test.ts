import fc from 'fast-check';
import t from 'tap';
import { pathOf, queryOf, tidyAddress } from './address.js';

t.test('slashes and blanks at the end of a path go', async (t) => {
  t.equal(tidyAddress('/cluster/list'), '/cluster/list');
  t.equal(tidyAddress('/cluster/list/'), '/cluster/list');
  t.equal(tidyAddress('/cluster/list%20'), '/cluster/list');
  t.equal(tidyAddress('/cluster/list/%20//?name=a/'), '/cluster/list?name=a/');
  t.equal(tidyAddress('/'), '/');
  t.equal(tidyAddress('//'), '/');
});

t.test('path and query', async (t) => {
  t.equal(pathOf('/a?b?c'), '/a');
  t.equal(queryOf('/a?b?c'), 'b?c');
  t.equal(queryOf('/a'), '');
});

t.test('the query is never touched, and a second time changes nothing', async () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z/%20]{0,20}$/), fc.string(), (path, query) => {
      const tidy = tidyAddress(`/${path}?${query}`);
      return queryOf(tidy) === query && tidyAddress(tidy) === tidy;
    }),
  );
});

t.test('a path of nothing but slashes is read at once', async (t) => {
  t.equal(tidyAddress(`/a${'/'.repeat(100_000)}`), '/a');
});
