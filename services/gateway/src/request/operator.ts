import { visible } from '@rigel/contracts';

export const UNKNOWN_OPERATOR = 'unknown';

/** Authentication schemes whose credentials follow their name: secrets, not operators. */
const CREDENTIALS = /^(basic|bearer|digest|negotiate|ntlm|apikey|aws4-\S+)\s/i;

/**
 * The operator's name in the Authorization header, as plain text. A header with credentials gives no name, because it
 * must not be recorded. Invisible characters become visible, because no service checks the name.
 */
export function operatorFrom(authorization: string | undefined): string {
  if (authorization === undefined) return UNKNOWN_OPERATOR;
  // Node reads headers as Latin-1, clients write UTF-8.
  const name = Buffer.from(authorization, 'latin1').toString('utf8').trim();
  return name === '' || CREDENTIALS.test(`${name} `) ? UNKNOWN_OPERATOR : visible(name);
}
