import { createHmac } from 'node:crypto';
import t from 'tap';
import {
  formatHostKey,
  hostKeyFingerprint,
  hostKeyType,
  judgeHostKey,
  parseKnownHosts,
} from './host-keys.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const rsa = 'ssh-rsa AAAAB3NzaC1yc2E=';

t.test('a raw key is written as in known_hosts', async (t) => {
  t.equal(formatHostKey(Buffer.from(key.split(' ')[1] ?? '', 'base64')), key);
  t.equal(hostKeyType(key), 'ssh-ed25519');
});

t.test('the fingerprint is what ssh-keygen prints', async (t) => {
  // The fingerprint of github.com's ed25519 key, as published.
  t.equal(hostKeyFingerprint(key), 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

t.test('known_hosts', async (t) => {
  const salt = Buffer.from('0123456789abcdefghij');
  const hash = createHmac('sha1', salt).update('[10.0.0.9]:2222').digest('base64');
  const lookup = parseKnownHosts(
    [
      '# a comment',
      '',
      `10.0.0.7,Web-1.example ${key} who@where`,
      `web-1.example ${rsa}`,
      `[10.0.0.7]:2222 ${rsa}`,
      `|1|${salt.toString('base64')}|${hash} ${key}`,
      `@cert-authority *.example ${key}`,
      `@revoked 10.0.0.8 ${key}`,
      '10.0.0.8 ssh-ed25519',
      '|1|broken ssh-rsa AAAA',
    ].join('\r\n'),
  );
  t.same(lookup('10.0.0.7', 22), [key]);
  t.same(lookup('WEB-1.EXAMPLE', 22), [key, rsa]);
  t.same(lookup('10.0.0.7', 2222), [rsa]);
  t.same(lookup('10.0.0.9', 2222), [key]);
  t.same(lookup('10.0.0.9', 22), []);
  t.same(lookup('10.0.0.8', 22), []);
});

t.test('what is trusted', async (t) => {
  const judge = (pinned: string | undefined, known: string[], policy: 'accept-new' | 'strict') =>
    judgeHostKey(key, { pinned, known, policy }).kind;
  t.equal(judge(undefined, [], 'accept-new'), 'learned');
  t.equal(judge(undefined, [], 'strict'), 'unknown');
  t.equal(judge(undefined, [rsa, `${key} comment`], 'strict'), 'known');
  t.equal(judge(undefined, [rsa], 'accept-new'), 'changed');
  t.equal(judge(key, [], 'strict'), 'known');
  t.equal(judge(rsa, [key], 'accept-new'), 'changed', 'the pinned key stands above known_hosts');
});
