import t from 'tap';
import { foreignOrigin } from './origin.js';

t.test('clients that are no browsers, and our own pages, may', async (t) => {
  for (const headers of [
    {},
    { host: '127.0.0.1:8080' },
    { host: 'LOCALHOST:8080' },
    { host: '[::1]:8080' },
    { host: 'rigel.example' },
    { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1:8080', 'sec-fetch-site': 'none' },
  ]) {
    t.equal(foreignOrigin(headers, ['rigel.example']), undefined, JSON.stringify(headers));
  }
  t.equal(foreignOrigin({ host: 'any.example' }, null), undefined, 'where names are not checked');
});

t.test('pages of other sites, and names that are not ours, may not', async (t) => {
  for (const headers of [
    { host: '127.0.0.1:8080', 'sec-fetch-site': 'cross-site' },
    { host: '127.0.0.1:8080', 'sec-fetch-site': 'same-site' },
    { host: '127.0.0.1:8080', origin: 'http://evil.example' },
    { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:9090' },
    { host: '127.0.0.1:8080', origin: 'null' },
    { host: 'evil.example:8080' },
    { host: 'evil.example:8080', origin: 'http://evil.example:8080', 'sec-fetch-site': 'same-origin' },
  ]) {
    t.type(foreignOrigin(headers, []), 'string', JSON.stringify(headers));
  }
});
