import { unwrap } from '@rigel/api-client';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../../../api/api.js';
import { to } from '../../../app/addresses.js';
import { useQueryParam } from '../../../app/query-param.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { Button } from '../../../ui/button.js';
import { Check, TextInput } from '../../../ui/field.js';
import { reasonOf } from '../../../ui/region.js';
import { spansOf } from './ansi.js';
import styles from './run.module.css';
import { runWords } from './words.js';

interface Group {
  line: string;
  matches: number;
  nodes: number;
  on: { nsid: number; ip: string; step: number; attempt: number; line: number }[];
}

interface Progress {
  groups: ReadonlyMap<string, Group>;
  searched: number;
  nodes: number;
  goesOn: boolean;
}

/** Distinct lines that are shown at most; all are counted. */
const SHOWN = 200;
const NAMED = 10;

/**
 * Which nodes of a task printed a line: counts by distinct line, as they come from one part of the task after the other. It
 * can be stopped. What is looked for stands in the address as `find`.
 * @param nodeOf the id of a run's node, for links.
 */
export function OutputSearch({
  taskId,
  nodeOf,
  children,
}: {
  taskId: number;
  nodeOf: (nsid: number) => number | undefined;
  /** What is shown while nothing is looked for. */
  children: ReactNode;
}): ReactNode {
  const text = useWords(runWords);
  const { formatNumber } = useIntl();
  const [find, setFind] = useQueryParam('find');
  const [kind, setKind] = useQueryParam('kind');
  const [q, setQ] = useState(find);
  const [found, setFound] = useState<Progress>();
  const [error, setError] = useState<string>();
  const work = useRef<AbortController>(undefined);
  const regex = kind === 'regex';
  useEffect(() => {
    setFound(undefined);
    setError(undefined);
    if (find === '') return;
    const own = new AbortController();
    work.current = own;
    searchTask(taskId, { q: find, regex }, own.signal, setFound).catch((failure: unknown) => {
      if (!own.signal.aborted) setError(reasonOf(failure as Error));
    });
    return () => own.abort();
  }, [taskId, find, regex]);
  const stop = (): void => {
    work.current?.abort();
    setFound((before) => before && { ...before, goesOn: false });
  };
  const rows = [...(found?.groups.values() ?? [])].sort((a, b) => b.nodes - a.nodes || b.matches - a.matches);
  return (
    <div className={styles.search}>
      <form
        className={styles.find}
        onSubmit={(event) => {
          event.preventDefault();
          setFind(q);
        }}
      >
        <TextInput
          label={text('search.label')}
          value={q}
          onChange={setQ}
          type="search"
          isCode
          error={error}
        />
        <Check isSelected={regex} onChange={(isRegex) => setKind(isRegex ? 'regex' : '')}>
          {text('find.regex')}
        </Check>
        <Button onPress={() => setFind(q)}>{text('search.go')}</Button>
        {found && (
          <span role="status" className={styles.count}>
            {text(found.goesOn ? 'search.progress' : 'search.done', {
              searched: formatNumber(found.searched),
              nodes: formatNumber(found.nodes),
              lines: found.groups.size,
            })}
          </span>
        )}
        {found?.goesOn && <Button onPress={stop}>{text('search.stop')}</Button>}
      </form>
      {find === '' && children}
      {found && !found.goesOn && rows.length === 0 && <p className={styles.nothing}>{text('search.none')}</p>}
      <ol className={styles.groups}>
        {rows.slice(0, SHOWN).map(({ line, nodes, matches, on }) => (
          <li key={line} className={styles.group}>
            <h3>
              <b>{text('search.nodes', { count: nodes })}</b>{' '}
              {matches > nodes && <small>{text('search.times', { count: matches })}</small>}
            </h3>
            <code>
              {spansOf(line)
                .map((span) => span.text)
                .join('')}
            </code>
            <ul>
              {on.slice(0, NAMED).map((node) => {
                const query = {
                  ...Object.fromEntries(new URLSearchParams(location.search)),
                  node: nodeOf(node.nsid),
                  attempt: `${node.step}.${node.attempt}`,
                  line: node.line,
                };
                return (
                  <li key={`${node.nsid}.${node.step}.${node.attempt}`}>
                    <Link href={to.task(taskId, query)}>{node.ip}</Link>
                  </li>
                );
              })}
              {nodes > NAMED && <li>{text('search.more', { count: nodes - Math.min(NAMED, on.length) })}</li>}
            </ul>
          </li>
        ))}
      </ol>
      {rows.length > SHOWN && (
        <p className={styles.nothing}>{text('search.others', { count: rows.length - SHOWN })}</p>
      )}
    </div>
  );
}

async function searchTask(
  id: number,
  wanted: { q: string; regex: boolean },
  signal: AbortSignal,
  tell: (progress: Progress) => void,
): Promise<void> {
  const groups = new Map<string, Group>();
  let searched = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = { ...wanted, limit: 1_000, ...(cursor === '' ? {} : { cursor }) };
    const answer: Awaited<ReturnType<typeof readPart>> = await readPart(id, query, signal);
    if (signal.aborted) return;
    for (const row of answer.rows) {
      const known = groups.get(row.line);
      groups.set(
        row.line,
        known
          ? {
              ...known,
              matches: known.matches + row.matches,
              nodes: known.nodes + row.nodes,
              on: [...known.on, ...row.on].slice(0, 20),
            }
          : row,
      );
    }
    searched += answer.searched_nodes;
    cursor = answer.next;
    tell({ groups: new Map(groups), searched, nodes: answer.nodes, goesOn: cursor !== null });
  }
}

function readPart(
  id: number,
  query: { q: string; regex: boolean; limit: number; cursor?: string },
  signal: AbortSignal,
) {
  return unwrap(api.GET('/task/{id}/output/search', { params: { path: { id }, query }, signal }));
}
