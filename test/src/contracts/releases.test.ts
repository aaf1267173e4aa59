import t from 'tap';
import { httpProblems } from './http-compatibility.js';
import { currentApi, currentMessages, keptApis, keptMessages } from './kept-releases.js';
import { natsProblems } from './nats-compatibility.js';

/*
 * Today's contracts against those of the last release: clients of the API go on working, and during an upgrade old and new
 * processes run beside each other.
 */

/** The last of the kept releases. */
function lastOf<Contract>(kept: [release: string, Contract][]): [release: string, Contract] {
  const last = kept.at(-1);
  if (!last) throw new Error('no release is kept: run pnpm keep-contracts <release>');
  return last;
}

/**
 * Incompatible changes that are meant, as the tests print them. Each stands in CHANGELOG.md under "Check before upgrading". The
 * list is emptied when the next release is kept.
 */
const MEANT: { http: string[]; nats: string[] } = { http: [], nats: [] };

t.test('the HTTP API: clients of the last release go on working', async (t) => {
  const [release, before] = lastOf(keptApis());
  t.strictSame(httpProblems(before, currentApi()), MEANT.http, `incompatible with ${release}`);
});

t.test('NATS: processes of the last release and of today understand each other', async (t) => {
  const [release, before] = lastOf(keptMessages());
  t.strictSame(natsProblems(before, currentMessages()), MEANT.nats, `incompatible with ${release}`);
});

t.test('a release is kept with both', async (t) => {
  const releases = (kept: [string, unknown][]) => kept.map(([release]) => release);
  t.strictSame(releases(keptApis()), releases(keptMessages()));
});
