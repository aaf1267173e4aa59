import { PARTICIPANTS, type Participant, permissionsOf } from '@rigel/contracts';

/** How long after a message its receiver may answer it: longer than any caller waits. */
const ANSWER_WITHIN = '2m';

/** The variable from which the NATS server reads a user's password. */
export const passwordVariable = (participant: Participant): string =>
  `RIGEL_NATS_PASSWORD_${participant.toUpperCase()}`;

/** The users of the NATS server and what each may do, in the server's format; deploy/nats/permissions.conf holds it. */
export function natsPermissionsFile(): string {
  return [
    '# Made by `pnpm nats-permissions` from packages/contracts/src/permissions.ts: edit that.',
    '',
    'users = [',
    ...PARTICIPANTS.map(userOf),
    ']',
    '',
  ].join('\n');
}

function userOf(participant: Participant): string {
  const { publish, subscribe } = permissionsOf(participant);
  return `  {
    user: ${participant}
    password: $${passwordVariable(participant)}
    permissions: {
      publish: { allow: [
${publish.map((subject) => `        "${subject}"`).join('\n')}
      ] }
      subscribe: { allow: [
${subscribe.map((subject) => `        "${subject}"`).join('\n')}
      ] }
      allow_responses: { max: 1, expires: "${ANSWER_WITHIN}" }
    }
  }`;
}
