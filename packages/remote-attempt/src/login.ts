import type { AuthenticationType, AuthHandlerMiddleware, Client as SshClient } from 'ssh2';
import { plainText } from './plain-text.js';
import { type LoginKey, loginCertificateProblem } from './private-key.js';
import { signPlainly, withCertificate } from './ssh2-internals.js';

/** One login: first its certificate, if it has one, then its key; and the server's answers. */
export class Login {
  private readonly keys: LoginKey['key'][];
  private offered = 0;
  private isPartial = false;
  /** The methods that the server would still accept. */
  private left: AuthenticationType[] | undefined;

  constructor(
    private readonly user: string,
    private readonly login: LoginKey,
  ) {
    const { key, certificate } = login;
    this.keys = certificate ? [withCertificate(key, certificate), key] : [key];
  }

  /** Call it right after `connect` of the client. */
  useOf(client: SshClient): void {
    if (this.login.certificate && this.keys[0]) signPlainly(client, this.keys[0]);
  }

  /** Whether the login is in progress. */
  get isUnderWay(): boolean {
    return this.offered > 0;
  }

  /** The login does not ask for the methods first, because that would cost a round trip on every connection. */
  readonly next: AuthHandlerMiddleware = (left, isPartial, next) => {
    this.isPartial ||= isPartial === true;
    if (left) this.left = left;
    const key = this.keys[this.offered];
    if (key === undefined || this.isPartial || (left && !left.includes('publickey'))) {
      next(false as never);
      return;
    }
    this.offered++;
    next({ type: 'publickey', username: this.user, key });
  };

  /** The message after the node's address, for a refused login. */
  get refusal(): string {
    const user = plainText(this.user);
    const methods = plainText((this.left ?? []).join(', '), 100) || 'nothing';
    if (this.isPartial)
      return (
        `accepted the SSH key for user ${user} and wants more than that: ${methods}; ` +
        'for this user it has to be content with a key (AuthenticationMethods publickey)'
      );
    if (this.left && !this.left.includes('publickey'))
      return `takes no SSH key for user ${user}, only ${methods}`;
    const { certificate } = this.login;
    const more = certificate ? `; ${loginCertificateProblem(certificate, this.user, Date.now())}` : '';
    return `refused the SSH key for user ${user}${more}`;
  }
}
