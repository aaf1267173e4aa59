import { sessions } from '@rigel/contracts';
import type { Bus } from '@rigel/messaging';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { FastifyRequest } from 'fastify';
import { type Credentials, sessionIn } from './principal.js';

/** The header that a console sends with what changes something. No page of another site can make a browser send it. */
export const CONSOLE_HEADER = 'x-rigel-console';

/** Characters of the installation's id in the name of its cookie. */
const ID_LENGTH = 8;

/**
 * The cookie that holds the session of a browser. Cookies know neither ports nor paths, so each installation gives its own
 * another name. Over HTTPS the name has `__Host-` before it, so that no other host of the domain can set it.
 */
export class SessionCookie {
  private id: Promise<string> | undefined;

  constructor(private readonly bus: Bus) {}

  /**
   * The session that a request brings. A request with a header Authorization uses that header alone.
   * @throws ServiceError `unavailable`: the access service does not answer.
   */
  async sessionOf(request: FastifyRequest): Promise<Credentials | undefined> {
    const { cookie, authorization } = request.headers;
    if (cookie === undefined || authorization !== undefined || !cookie.includes('rgs_')) return undefined;
    const value = parseCookie(cookie)[await this.nameFor(request)];
    return value === undefined ? undefined : sessionIn(value);
  }

  /** The header Set-Cookie that gives a browser its session. @param expires milliseconds since 1970. */
  async make(request: FastifyRequest, text: string, expires: number): Promise<string> {
    return this.header(request, text, new Date(expires));
  }

  /** The header Set-Cookie that takes the session away. */
  async drop(request: FastifyRequest): Promise<string> {
    return this.header(request, '', new Date(0));
  }

  private async header(request: FastifyRequest, value: string, expires: Date): Promise<string> {
    return stringifySetCookie({
      name: await this.nameFor(request),
      value,
      expires,
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: isSecure(request),
    });
  }

  private async nameFor(request: FastifyRequest): Promise<string> {
    const name = `rigel-${await this.installation()}`;
    return isSecure(request) ? `__Host-${name}` : name;
  }

  /** Asked once: an installation keeps its id. */
  private installation(): Promise<string> {
    this.id ??= this.bus
      .call(sessions.installation, {}, { correlationId: 'installation', actor: 'gateway' })
      .then(({ id }) => id.slice(0, ID_LENGTH));
    this.id.catch(() => {
      this.id = undefined;
    });
    return this.id;
  }
}

/** Whether the browser speaks HTTPS, to the gateway or to a proxy that the gateway trusts. */
const isSecure = ({ protocol }: FastifyRequest): boolean => protocol === 'https';
