import type { Reason } from '@rigel/api-client';
import { to } from '../../app/addresses.js';
import type { Manner } from '../../text/refusals.js';
import { durationText, momentText } from '../../text/time.js';
import { type KeyOf, type Locale, namesIn } from '../../text/words.js';
import { whyWords } from './why-words.js';

type Key = KeyOf<typeof whyWords>;
type Facts = Record<string, string | number>;

const isKey = (key: string): key is Key => key in whyWords['en-US'];

function format(key: Key, facts: Facts, { intl }: Manner): string {
  const locale = intl.locale as Locale;
  return String(intl.formatters.getMessageFormat(whyWords[locale][key], locale).format(facts));
}

/** A reason in the person's language; where a fact is missing, or the code is of a later release, in the server's words. */
export function tellReason(reason: Reason, manner: Manner): string {
  const key = `why.${reason.code}`;
  if (!isKey(key)) return reason.text;
  const facts = factsOf(reason, manner);
  const isWhole = namesIn(whyWords['en-US'][key]).every((name) => facts[name] !== undefined);
  return isWhole ? format(key, facts, manner) : reason.text;
}

/** What would end a reason; undefined: nothing does, it is how it is. */
export function tellEnd({ code }: Reason, manner: Manner): string | undefined {
  const key = `ends.${code}`;
  return isKey(key) ? format(key, {}, manner) : undefined;
}

/** What stands in braces in the words, as people read it. */
function factsOf({ code, data }: Reason, manner: Manner): Facts {
  const facts: Facts = {};
  for (const [name, fact] of Object.entries(data)) if (fact !== null && fact !== '') facts[name] = fact;
  const moment = (name: string): Facts => {
    const at = facts[name];
    if (at === undefined) return {};
    const shown = momentText(new Date(at), manner.intl.locale, manner.zone);
    return { [name === 'retry_at' ? 'retry' : 'look']: shown };
  };
  const counted = (key: Key, count: number): string => (count > 0 ? format(key, { count }, manner) : '');
  return {
    ...facts,
    ...moment('retry_at'),
    ...moment('next_look'),
    ...(typeof facts.timeout_ms === 'number' ? { limit: durationText(facts.timeout_ms) } : {}),
    given: facts.reason === undefined ? '' : ` (${facts.reason})`,
    more: code === 'batch_waits' ? counted('batch.more', Number(facts.nodes ?? 1) - 1) : '',
    others: code === 'other_pools' ? counted('pools.more', Number(facts.tasks ?? 1) - 1) : '',
  };
}

/** Where a reason leads: the thing that it speaks of. */
export interface ReasonLink {
  href: string;
  words: string;
}

/** The objects of a reason: the task that holds the node, the pool that is waited for, the attempt, the executor, the machine. */
export function linksOf({ code, data }: Reason, taskId: number, manner: Manner): ReasonLink[] {
  const { task_id, pool_id, pool, node_id, step_num, attempt, executor, capability } = data;
  const links: ReasonLink[] = [];
  const add = (href: string, key: Key, facts: Facts): void => {
    links.push({ href, words: format(key, facts, manner) });
  };
  if (typeof task_id === 'number' && task_id !== taskId) add(to.task(task_id), 'link.task', { id: task_id });
  if (typeof pool_id === 'number') add(to.pool(pool_id), 'link.pool', { name: pool ?? pool_id });
  if (typeof executor === 'string' || ABOUT_EXECUTORS.includes(code)) add(to.system(), 'link.system', {});
  if (capability === 'vm') add(to.machines(), 'link.machines', {});
  if (typeof node_id !== 'number') return links;
  const place = { tab: 'why', node: node_id };
  const isAttempt = typeof step_num === 'number' && typeof attempt === 'number' && attempt > 0;
  if (isAttempt && ABOUT_ATTEMPTS.includes(code)) {
    const at = `${step_num + 1}.${attempt}`;
    add(to.task(taskId, { ...place, attempt: at }), 'link.attempt', { attempt });
  } else add(to.task(taskId, place), 'link.node', {});
  return links;
}

const ABOUT_EXECUTORS = ['needs_executor', 'not_claimed', 'no_executor', 'executors_busy', 'no_scheduler'];
const ABOUT_ATTEMPTS = [
  'attempt_running',
  'step_failed',
  'node_full',
  'command_being_ended',
  'node_held_back',
  'retry_at',
];
