import ssh2 from 'ssh2';

export interface SshKeyPair {
  /** In OpenSSH format. */
  private: string;
  /** `ssh-ed25519 AAAA…` */
  public: string;
}

/**
 * Makes an ed25519 key pair. ssh2 cannot read about one in two hundred of the keys that it makes; those are left out.
 */
export function generateSshKey(): SshKeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const parsed = ssh2.utils.parseKey(pair.private);
    if (parsed instanceof Error || Array.isArray(parsed)) continue;
    return { private: pair.private, public: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}` };
  }
}
