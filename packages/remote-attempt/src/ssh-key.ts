import ssh2 from 'ssh2';

export interface SshKeyPair {
  /** In OpenSSH format. */
  private: string;
  /** `ssh-ed25519 AAAA…` */
  public: string;
}

/** Makes an ed25519 key pair. About one in two hundred that ssh2 makes is one that it cannot read itself: those are left out. */
export function generateSshKey(): SshKeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const parsed = ssh2.utils.parseKey(pair.private);
    if (parsed instanceof Error || Array.isArray(parsed)) continue;
    return { private: pair.private, public: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}` };
  }
}
