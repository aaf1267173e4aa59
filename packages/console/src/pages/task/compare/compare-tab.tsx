import { type TaskInfo, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { api } from '../../../api/api.js';
import { to } from '../../../app/addresses.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { durationText } from '../../../text/time.js';
import { CopyButton } from '../../../ui/copy.js';
import { Region } from '../../../ui/region.js';
import { STATES, StateBadge } from '../../../ui/state.js';
import { TimeText } from '../../../ui/time-text.js';
import styles from '../task.module.css';
import own from './compare.module.css';
import { nodeDifferences, valueDifferences } from './differences.js';
import { compareWords } from './words.js';

/** Nodes that are named. */
const NAMED = 10;

/** A task beside another one: steps, values, nodes, and failures that are new or gone. */
export function CompareTab({ task, other }: { task: TaskInfo; other: number }): ReactNode {
  const text = useWords(compareWords);
  const query = useQuery({
    queryKey: ['task', task.id, 'compare', other, task.version],
    queryFn: async () => {
      const path = { id: other };
      const [there, mine, theirs] = await Promise.all([
        unwrap(api.GET('/task/{id}', { params: { path } })),
        unwrap(api.GET('/task/{id}/grid', { params: { path: { id: task.id } } })),
        unwrap(api.GET('/task/{id}/grid', { params: { path } })),
      ]);
      if (!mine.whole || !theirs.whole) throw new Error('a grid begins with the whole');
      return { there: there as TaskInfo, nodes: nodeDifferences(mine.whole, theirs.whole) };
    },
    placeholderData: (before) => before,
  });
  return (
    <Region what={text('what')} query={query}>
      {({ there, nodes }) => (
        <div className={styles.scroll}>
          <Facts here={task} there={there} />
          <Values here={task} there={there} />
          <section className={own.part}>
            <h2>{text('nodes')}</h2>
            <p>{text('nodes.both', { count: nodes.both })}</p>
            <Names title="newlyFailed" ips={nodes.newlyFailed} />
            <Names title="notFailedAnyMore" ips={nodes.notFailedAnyMore} />
            <Names title="failedInBoth" ips={nodes.failedInBoth} />
            <Names title="onlyHere" ips={nodes.onlyHere} />
            <Names title="onlyThere" ips={nodes.onlyThere} />
          </section>
        </div>
      )}
    </Region>
  );
}

interface BothProps {
  here: TaskInfo;
  there: TaskInfo;
}

function Facts({ here, there }: BothProps): ReactNode {
  const text = useWords(compareWords);
  const { formatNumber } = useIntl();
  const took = ({ duration_ms }: TaskInfo): string => (duration_ms === null ? '' : durationText(duration_ms));
  const rows: [string, (task: TaskInfo) => ReactNode][] = [
    [text('state'), ({ state }) => <StateBadge state={STATES[state] ?? 'initial'} />],
    [text('template'), ({ template_name }) => template_name],
    [text('pool'), ({ pool_name }) => pool_name],
    [text('who'), ({ opr_user }) => opr_user],
    [text('created'), ({ created_at }) => <TimeText at={created_at} />],
    [text('took'), took],
    [text('count'), ({ nodes }) => formatNumber(nodes)],
    [text('failed'), ({ failed }) => formatNumber(failed)],
    [text('size'), ({ step_len }) => formatNumber(step_len)],
    [text('budget'), ({ budget }) => (budget === null ? '–' : formatNumber(budget))],
    [text('steps'), ({ options }) => options.map(({ name }) => name).join(' → ')],
  ];
  return (
    <table className={own.table}>
      <thead>
        <tr>
          <td />
          <th scope="col">
            #{here.id} {here.task_name}
          </th>
          <th scope="col">
            <Link href={to.task(there.id, { with: here.id, tab: 'compare' })}>
              #{there.id} {there.task_name}
            </Link>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([title, cell]) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            <td>{cell(here)}</td>
            <td>{cell(there)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Values({ here, there }: BothProps): ReactNode {
  const text = useWords(compareWords);
  const differences = valueDifferences(here.options, there.options);
  return (
    <section className={own.part}>
      <h2>{text('values')}</h2>
      {differences.length === 0 ? (
        <p className={styles.quiet}>{text('values.same')}</p>
      ) : (
        <table className={own.table}>
          <thead>
            <tr>
              <th scope="col">{text('value')}</th>
              <th scope="col">#{here.id}</th>
              <th scope="col">#{there.id}</th>
            </tr>
          </thead>
          <tbody>
            {differences.map((one) => (
              <tr key={`${one.step} ${one.name}`}>
                <th scope="row">
                  {one.step} · {one.name}
                </th>
                <td>{one.here === undefined ? '–' : <code>{one.here}</code>}</td>
                <td>{one.there === undefined ? '–' : <code>{one.there}</code>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

type Group = 'newlyFailed' | 'notFailedAnyMore' | 'failedInBoth' | 'onlyHere' | 'onlyThere';

function Names({ title, ips }: { title: Group; ips: readonly string[] }): ReactNode {
  const text = useWords(compareWords);
  if (ips.length === 0) return null;
  return (
    <div className={own.names}>
      <b>{text(`nodes.${title}`, { count: ips.length })}</b>
      {ips.slice(0, NAMED).map((ip) => (
        <code key={ip}>{ip}</code>
      ))}
      {ips.length > NAMED && <span>+ {ips.length - NAMED}</span>}
      <CopyButton text={() => ips.join('\n')}>{text('copy')}</CopyButton>
    </div>
  );
}
