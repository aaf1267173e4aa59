import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { to } from '../../app/addresses.js';
import { useIntl, useWords } from '../../text/intl.js';
import type { Manner } from '../../text/refusals.js';
import type { KeyOf } from '../../text/words.js';
import { Button } from '../../ui/button.js';
import { useManner } from '../../ui/refusal.js';
import { type StateName, StateShape } from '../../ui/state.js';
import { TimeText } from '../../ui/time-text.js';
import { tellReason } from '../task/why-text.js';
import type { Attention } from './answer.js';
import styles from './needs-you.module.css';
import { Section } from './section.js';
import { useSetAside } from './set-aside.js';
import { overviewWords } from './words.js';

/** The most that the API names. */
const MOST = 50;

/** What needs a person: the most nodes first. */
export function NeedsYou({ attention }: { attention: readonly Attention[] }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const { isAside, turn } = useSetAside();
  const [showsAside, setShowsAside] = useState(false);
  const aside = attention.filter(isAside);
  const needed = attention.filter((item) => !isAside(item));
  const besides =
    aside.length === 0 ? undefined : (
      <span className={styles.aside}>
        {text('needs.asideCount', { count: formatNumber(aside.length) })}
        <Button kind="quiet" onPress={() => setShowsAside(!showsAside)}>
          {text(showsAside ? 'needs.hide' : 'needs.show')}
        </Button>
      </span>
    );
  return (
    <Section
      title={`${text('needs.title')} ${needed.length > 0 ? formatNumber(needed.length) : ''}`}
      beside={besides}
    >
      {needed.length === 0 && (
        <p className={styles.none}>
          <StateShape state="success" />
          {text(aside.length === 0 ? 'needs.none' : 'needs.noneShown')}
        </p>
      )}
      <ul className={styles.list}>
        {needed.map((item) => (
          <Item key={keyOf(item)} item={item} turn={() => turn(item)} />
        ))}
        {showsAside &&
          aside.map((item) => <Item key={keyOf(item)} item={item} turn={() => turn(item)} isAside />)}
      </ul>
      {attention.length >= MOST && <p className={styles.none}>{text('needs.more', { count: MOST })}</p>}
    </Section>
  );
}

const keyOf = ({ kind, id, name, code }: Attention): string => [kind, id, name, code].join(' ');

/** How each reason looks: by shape and colour of the state that it is most like. */
const LOOKS: Readonly<Record<string, StateName>> = {
  paused: 'stopped',
  not_started: 'initial',
  skipped: 'stopped',
  other_pools: 'initial',
  no_executor: 'initial',
  no_scheduler: 'initial',
  not_claimed: 'initial',
  commands_being_ended: 'running',
};

/** The cause in the person's language, with the last line that the command printed. */
function tellCause({ cause, cause_reason: reason }: Attention, manner: Manner): string {
  if (reason === undefined) return cause;
  const told = tellReason({ ...reason, since: null }, manner);
  return reason.printed === '' ? told : `${told}: ${reason.printed}`;
}

function Item({
  item,
  turn,
  isAside = false,
}: {
  item: Attention;
  turn: () => void;
  isAside?: boolean;
}): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const manner = useManner();
  const { kind, code, nodes, since_at, data } = item;
  const cause = tellCause(item, manner);
  const look = LOOKS[code] ?? 'failed';
  const { address, action } = whereTo(item);
  const isTask = kind === 'task' && item.id !== null;
  const pool = typeof data.pool_name === 'string' ? data.pool_name : '';
  return (
    <li className={styles.item} data-state={look} data-aside={isAside || undefined}>
      <StateShape state={look} />
      <div className={styles.body}>
        <p className={styles.head}>
          <Link href={address} className={styles.name ?? ''}>
            {isTask && <span className={styles.id}>#{item.id} </span>}
            {item.name}
          </Link>
          {isTask && pool !== '' && <span className={styles.pool}>{pool}</span>}
          <span className={styles.reason}>
            <Reason item={item} />
          </span>
        </p>
        {cause !== '' && (
          <p className={styles.cause} title={cause}>
            {cause}
          </p>
        )}
        <p className={styles.facts}>
          {nodes > 0 && <span>{text('needs.nodes', { nodes })}</span>}
          {since_at !== null && (
            <span>
              {text('needs.since')} <TimeText at={since_at} />
            </span>
          )}
        </p>
      </div>
      <div className={styles.actions}>
        <Link
          href={address}
          className={styles.link ?? ''}
          aria-label={`${text(action)} ${item.name} ${formatNumber(nodes)}`}
        >
          {text(action)}
        </Link>
        <Button
          kind="quiet"
          onPress={turn}
          label={`${text(isAside ? 'needs.back' : 'needs.aside')}: ${item.name}`}
        >
          {text(isAside ? 'needs.back' : 'needs.aside.short')}
        </Button>
      </div>
    </li>
  );
}

/** The reason in the chosen language, from its code and data; what has no words here is told as the API tells it. */
function Reason({ item: { code, text: told, nodes, data } }: { item: Attention }): ReactNode {
  const text = useWords(overviewWords);
  const { formatNumber } = useIntl();
  const number = (name: string): string => formatNumber(Number(data[name] ?? 0));
  switch (code) {
    case 'failed':
    case 'some_failed':
    case 'out_of_time':
      return text(`code.${code}`, { failed: number('failed'), nodes: number('all_nodes') });
    case 'paused':
      return data.operator ? text('code.paused', { operator: String(data.operator) }) : told;
    case 'not_started':
      return text('code.not_started');
    case 'skipped':
      return text('code.skipped', { reason: told });
    case 'executor_silent':
      return text('code.executor_silent', { taken: Number(data.taken ?? nodes) });
    case 'host_key_changed':
    case 'unknown_machine':
      return text(`code.${code}`, { nodes });
    default:
      return told;
  }
}

function whereTo({ kind, id, action, code, data }: Attention): {
  address: string;
  action: KeyOf<typeof overviewWords>;
} {
  switch (kind) {
    case 'task':
      return {
        address: to.task(id ?? 0),
        action: action === null ? 'action.task' : code === 'not_started' ? 'action.begin' : 'action.start',
      };
    case 'schedule':
      return {
        address: to.schedules({ pool: Number(data.pool_id), schedule: id ?? undefined }),
        action: 'action.schedule',
      };
    case 'machines':
      return { address: to.machines(), action: 'action.machines' };
    case 'host_key':
      return { address: to.task(id ?? 0, { tab: 'failures' }), action: 'action.host_key' };
    case 'executor':
      return { address: to.system(), action: 'action.executor' };
  }
}
