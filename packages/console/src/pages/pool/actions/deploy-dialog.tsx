import { type Pool, unwrap } from '@rigel/api-client';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { useLimits } from '../../../plan/limit-fields.js';
import { PlanDialog } from '../../../plan/plan-form.js';
import { startedTasks } from '../../../plan/started-tasks.js';
import { type Text, useWords } from '../../../text/intl.js';
import type { KeyOf } from '../../../text/words.js';
import { TextInput } from '../../../ui/field.js';
import type { PoolCounts } from './pool-counts.js';
import { actionWords } from './words.js';

/** Nodes that are worked on at once unless something else is entered, in percent of the pool. */
const AT_ONCE_PERCENT = 10;
/** Versions of the pool that are named. */
const NAMED = 3;

interface DeployDialogProps {
  pool: Pool;
  counts: PoolCounts;
  onClose: () => void;
}

/** Puts an image online on the nodes of a pool. */
export function DeployDialog({ pool, counts, onClose }: DeployDialogProps): ReactNode {
  const text = useWords(actionWords);
  const [tag, setTag] = useState('');
  const { fields, limits } = useLimits({
    num: String(Math.max(1, Math.ceil((counts.nodes * AT_ONCE_PERCENT) / 100))),
  });
  const { max_num, ...rest } = limits ?? {};
  const path = { id: pool.id };
  const missing =
    tag.trim() === ''
      ? text('deploy.tag.missing')
      : limits === undefined
        ? text('wrong.numbers')
        : max_num === undefined
          ? text('deploy.num.missing')
          : undefined;
  return (
    <PlanDialog
      title={text('deploy.title', { pool: pool.name })}
      onClose={onClose}
      body={
        missing === undefined && max_num !== undefined ? { tag: tag.trim(), max_num, ...rest } : undefined
      }
      missing={missing}
      preview={(body) => unwrap(api.POST('/pool/deploy/{id}/preview', { params: { path }, body }))}
      run={(body, header) => startedTasks(api.POST('/pool/deploy/{id}', { params: { path, header }, body }))}
      path={`pool/deploy/${pool.id}`}
      action={(preview) => text('deploy.action', { count: preview?.nodes.count ?? counts.nodes })}
    >
      <TextInput
        label={text('deploy.tag')}
        value={tag}
        onChange={setTag}
        hint={versionsText(counts, text)}
        isCode
        isRequired
        autoFocus
      />
      {fields}
    </PlanDialog>
  );
}

/** What is on the nodes now: "shop:7 on 910, shop:6 on 88". */
function versionsText(
  { versions, nodes }: PoolCounts,
  text: Text<KeyOf<typeof actionWords>>,
): string | undefined {
  if (nodes === 0 || versions.length === 0) return undefined;
  const named = versions
    .slice(0, NAMED)
    .map(({ tag, nodes: count }) =>
      tag === '' ? text('deploy.now.none', { count }) : text('deploy.now.one', { tag, count }),
    );
  const more = versions.length - named.length;
  return text('deploy.now', {
    versions: [...named, ...(more > 0 ? [text('deploy.now.more', { count: more })] : [])].join(', '),
  });
}
