import t from 'tap';
import { formatHostKey, hostKeyFingerprint, hostKeyType, judgeHostKey } from './host-keys.js';
import { type KnownKeys, NOTHING_KNOWN } from './known-hosts.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const rsa = 'ssh-rsa AAAAB3NzaC1yc2E=';

t.test('a raw key is written as in known_hosts', async (t) => {
  t.equal(formatHostKey(Buffer.from(key.split(' ')[1] ?? '', 'base64')), key);
  t.equal(hostKeyType(key), 'ssh-ed25519');
});

t.test('the fingerprint is the one that ssh-keygen prints', async (t) => {
  // The fingerprint of github.com's ed25519 key, as published.
  t.equal(hostKeyFingerprint(key), 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

t.test('which host keys are trusted', async (t) => {
  const judge = (pinned: string | undefined, keys: string[], policy: 'accept-new' | 'strict') =>
    judgeHostKey(
      { key },
      { host: 'a', pinned, known: { keys, authorities: [], revoked: [] }, policy, now: 0 },
    ).kind;
  t.equal(judge(undefined, [], 'accept-new'), 'learned');
  t.equal(judge(undefined, [], 'strict'), 'unknown');
  t.equal(judge(undefined, [rsa, key], 'strict'), 'known');
  t.equal(judge(undefined, [rsa], 'accept-new'), 'changed');
  t.equal(judge(key, [], 'strict'), 'known');
  t.equal(judge(`${key} comment`, [], 'strict'), 'known');
  t.equal(judge(rsa, [key], 'accept-new'), 'changed', 'the pinned key stands above known_hosts');
});

t.test('a key that was learned is refused once it is revoked', async (t) => {
  const revoked = { keys: [], authorities: [], revoked: [key] };
  const judge = (known: KnownKeys) =>
    judgeHostKey({ key }, { host: 'a', pinned: key, known, policy: 'accept-new', now: 0 });
  t.same(judge(revoked), { kind: 'revoked', what: 'key' });
  t.same(judge({ ...NOTHING_KNOWN, withoutPort: revoked }), { kind: 'revoked', what: 'key' });
});
