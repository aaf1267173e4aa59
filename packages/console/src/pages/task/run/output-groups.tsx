import { type OutputGroup, type TaskInfo, unwrap } from '@rigel/api-client';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../../api/api.js';
import { useLiveQuery } from '../../../api/live-query.js';
import { to } from '../../../app/addresses.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { Select } from '../../../ui/field.js';
import { Region } from '../../../ui/region.js';
import { STATES, StateBadge } from '../../../ui/state.js';
import { spansOf } from './ansi.js';
import styles from './run.module.css';
import { runWords } from './words.js';

const NAMED = 10;

interface OutputGroupsProps {
  task: TaskInfo;
  /** The id of a run's node, for links. */
  nodeOf: (nsid: number) => number | undefined;
}

/** What the nodes of a task printed at one of its steps: equal results together, the largest group first. */
export function OutputGroups({ task, nodeOf }: OutputGroupsProps): ReactNode {
  const text = useWords(runWords);
  const [chosen, setChosen] = useQueryParam('step');
  const last = task.options.length;
  const step = /^[1-9]\d{0,2}$/.test(chosen) ? Math.min(last, Number(chosen)) : last;
  const query = useLiveQuery({
    key: ['task', task.id, 'output groups', step],
    read: () =>
      unwrap(api.GET('/task/{id}/output/groups', { params: { path: { id: task.id }, query: { step } } })),
    pollMs: task.end_reason === '' ? 3_000 : 60_000,
  });
  return (
    <section aria-label={text('groups.title')}>
      {last > 1 && (
        <div className={styles.find}>
          <Select
            label={text('groups.step')}
            value={String(step)}
            choices={task.options.map(({ name }, index) => [String(index + 1), `${index + 1} · ${name}`])}
            onChange={(value) => setChosen(Number(value) === last ? '' : value)}
          />
        </div>
      )}
      <Region
        what={text('groups.what')}
        query={query}
        isEmpty={({ rows }) => rows.length === 0}
        empty={<p className={styles.nothing}>{text('groups.none')}</p>}
      >
        {({ rows, ended, nodes, more_groups }) => (
          <>
            <p className={styles.sum} role="status">
              {text('groups.sum', { ended, nodes, groups: rows.length + more_groups })}
            </p>
            <ol className={styles.groups}>
              {rows.map((group) => (
                <OneGroup key={keyOf(group)} group={group} task={task} step={step} nodeOf={nodeOf} />
              ))}
            </ol>
            {more_groups > 0 && (
              <p className={styles.nothing}>{text('groups.more', { count: more_groups })}</p>
            )}
          </>
        )}
      </Region>
    </section>
  );
}

const keyOf = ({ nodes, state }: OutputGroup): string => `${state} ${nodes[0]?.nsid ?? 0}`;

function OneGroup({
  group,
  task,
  step,
  nodeOf,
}: OutputGroupsProps & { group: OutputGroup; step: number }): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const { count, state, message, output, cut, nodes } = group;
  return (
    <li className={styles.group}>
      <h3>
        <StateBadge state={STATES[state] ?? 'initial'} /> <b>{text('search.nodes', { count })}</b>{' '}
        {message !== '' && <small>{message}</small>}
      </h3>
      {output === '' ? (
        <p className={styles.quiet}>{text('output.nothing')}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reached by keyboard.
        <pre className={styles.printed} tabIndex={0} role="region" aria-label={text('groups.of', { count })}>
          {output
            .replace(/\n$/, '')
            .split('\n')
            .map((line) =>
              spansOf(line)
                .map((span) => span.text)
                .join(''),
            )
            .join('\n')}
        </pre>
      )}
      {cut && <p className={styles.quiet}>{text('groups.cut', { bytes: formatNumber(group.bytes) })}</p>}
      <ul>
        {nodes.slice(0, NAMED).map(({ nsid, ip, attempt }) => {
          const query = {
            ...Object.fromEntries(new URLSearchParams(location.search)),
            node: nodeOf(nsid),
            attempt: attempt === 0 ? undefined : `${step}.${attempt}`,
          };
          return (
            <li key={nsid}>
              <Link href={to.task(task.id, query)}>{ip}</Link>
            </li>
          );
        })}
        {count > NAMED && <li>{text('search.more', { count: count - NAMED })}</li>}
      </ul>
    </li>
  );
}
