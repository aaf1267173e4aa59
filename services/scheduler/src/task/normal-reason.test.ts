import t from 'tap';
import { likeReason, normalReason } from './normal-reason.js';

t.test('what differs from node to node is replaced, and what tells the cause stays', async (t) => {
  const cases: [reason: string, normal: string][] = [
    ['exit status 1', 'exit status 1'],
    ['exit status 127 (command not found)', 'exit status 127 (command not found)'],
    ['ended by SIGKILL', 'ended by SIGKILL'],
    ['', ''],
    ['connect ECONNREFUSED 10.0.3.17:2222', 'connect ECONNREFUSED ‹address›'],
    ['no route to fe80::1ff:fe23:4567:890a', 'no route to ‹address›'],
    ['timeout after 600 s', 'timeout after ‹n› s'],
    ['request 6f1c2a9b-0d1e-4f5a-8b7c-0123456789ab was refused', 'request ‹id› was refused'],
    ['segfault at 0x7ffd12ab', 'segfault at ‹hex›'],
    ['image 3f9a0c1e77 is not there, deadbeef is', 'image ‹hex› is not there, deadbeef is'],
    [
      '/opt/web/releases/20260105/app17.jar: No space left',
      '/opt/web/releases/‹n›/app‹n›.jar: No space left',
    ],
    ['2026-01-05T08:00:00.123Z: mount of ext4 failed', '‹time›: mount of ext4 failed'],
    ['HTTP 503 from the provider', 'HTTP 503 from the provider'],
    ['got 1,234.5 of 2,000 MB', 'got ‹n› of ‹n› MB'],
    ['磁盘 3 已满', '磁盘 ‹n› 已满'],
  ];
  for (const [reason, normal] of cases) {
    t.equal(normalReason(reason), normal);
    t.equal(normalReason(normal), normal, 'twice is once');
  }
});

t.test(
  'a pattern finds the texts that a normalised reason stands for, and takes nothing else as a sign',
  async (t) => {
    const fits = (text: string, reason: string) =>
      new RegExp(
        `^${likeReason(reason).replace(/\\([\\%_])|([.*+?^${}()|[\]])|%/g, (_, sign: string, special: string) => (sign ? `\\${sign}` : special ? `\\${special}` : '.*'))}$`,
        's',
      ).test(text);
    t.ok(fits('took 17 s', normalReason('took 3 s')));
    t.ok(fits('it took 17 s in all', 'took ‹n› s'));
    t.notOk(fits('took 17 min', 'took ‹n› s'));
    t.equal(likeReason('50% of a_b\\c'), '%50\\% of a\\_b\\\\c%');
  },
);
