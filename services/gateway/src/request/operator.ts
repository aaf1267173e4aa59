import { visible } from '@rigel/contracts';

export const UNKNOWN_OPERATOR = 'unknown';

/** Authentication schemes whose credentials follow their name: secrets, not operators. */
const CREDENTIALS = /^(basic|bearer|digest|negotiate|ntlm|apikey|aws4-\S+)\s/i;

/**
 * The operator's name as the Authorization header gives it, in plain text. A header with credentials names nobody: it
 * must not be recorded. What cannot be seen in a name is made visible, because nobody checks whose name it is.
 */
export function operatorFrom(authorization: string | undefined): string {
  if (authorization === undefined) return UNKNOWN_OPERATOR;
  // Node reads headers as Latin-1, clients write UTF-8.
  const name = Buffer.from(authorization, 'latin1').toString('utf8').trim();
  return name === '' || CREDENTIALS.test(`${name} `) ? UNKNOWN_OPERATOR : visible(name);
}
