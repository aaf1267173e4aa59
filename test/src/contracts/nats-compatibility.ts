import type { MessageDescription } from '@rigel/contracts/schemas';
import { receiverProblems, type Schema, senderProblems } from './schema-compatibility.js';

/** The messages of a release, by their names. */
export type Messages = Record<string, MessageDescription>;

/**
 * Why processes of an earlier release and of today cannot work beside each other.
 *
 * During an upgrade both are senders and receivers. Receivers check requests and published messages, and refuse those that do
 * not match; callers rely on the fields of answers. So today's receivers must accept requests of earlier senders; published
 * messages and answers must be right in both directions. Requests may get wider: services are upgraded before those that
 * call them.
 * @returns one line for each reason; empty when only optional things were added.
 */
export function natsProblems(before: Messages, now: Messages): string[] {
  return Object.entries(before).flatMap(([name, message]) => {
    const problems = messageProblems(message, now[name]);
    return problems.map((problem) => `${name}: ${problem}`);
  });
}

function messageProblems(before: MessageDescription, now: MessageDescription | undefined): string[] {
  if (!now) return ['was removed'];
  if (before.kind === 'operation') {
    if (now.kind !== 'operation') return ['is no operation any more'];
    return [
      ...(before.subject === now.subject ? [] : [`the subject was ${before.subject} and is ${now.subject}`]),
      ...(before.keyed && !now.keyed ? ['was keyed and is not: the subject .once was removed'] : []),
      ...labelled(
        'request',
        receiverProblems({ before: before.request as Schema, now: now.request as Schema }),
      ),
      ...labelled('answer', bothWays(before.answer as Schema, now.answer as Schema)),
    ];
  }
  if (now.kind !== 'published') return ['is no published message any more'];
  const gone = before.subjects.filter((subject) => !now.subjects.includes(subject));
  return [
    ...gone.map((subject) => `is no longer published on ${subject}`),
    ...labelled('message', bothWays(before.message as Schema, now.message as Schema)),
  ];
}

function bothWays(before: Schema, now: Schema): string[] {
  return [...new Set([...receiverProblems({ before, now }), ...senderProblems({ before, now })])];
}

function labelled(part: string, problems: string[]): string[] {
  return problems.map((problem) => `${part}: ${problem}`);
}
