import { type TaskInfo, unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { api } from '../../../api/api.js';
import { PlanDialog } from '../../../plan/plan-form.js';
import { useIntl, useWords } from '../../../text/intl.js';
import { Choice } from '../../../ui/choice.js';
import { CountInput, countOf } from '../../../ui/count-input.js';
import { reasonOf } from '../../../ui/region.js';
import { type Ask, type DialogProps, mayStart } from './may.js';
import { runsThatMatch } from './retry.js';
import { actionWords } from './words.js';

type Who = 'all' | 'halted' | 'failed';

interface StartBody {
  runs?: number[] | 'halted';
  max_fail_num?: number;
}

interface StartDialogProps extends DialogProps {
  ask: Extract<Ask, { kind: 'start' }>;
}

/** A start, or a start after a pause or a failure: which nodes go on, with which budget, and the plan that it is bound to. */
export function StartDialog({
  task,
  onClose,
  onDone,
  ask: { chosen, budget = false },
}: StartDialogProps): ReactNode {
  const text = useWords(actionWords);
  const { formatNumber } = useIntl();
  const [who, setWho] = useState<Who>('all');
  const [typed, setTyped] = useState('');
  const read = chosen?.runs ?? (() => runsThatMatch(task.id, { state: '3' }));
  const isList = chosen !== undefined || who === 'failed';
  const runs = useQuery({
    queryKey: ['start', task.id, chosen?.words ?? 'failed'],
    queryFn: read,
    enabled: isList,
    // The runs that were chosen, whatever happens meanwhile: the plan says what becomes of them.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const most = countOf(typed);
  const path = { id: task.id };
  const only = isList ? runs.data : who === 'halted' ? ('halted' as const) : undefined;
  const isComplete = !Number.isNaN(most) && (!isList || runs.data !== undefined) && mayStart(task);
  const body: StartBody | undefined = isComplete
    ? {
        ...(only === undefined ? {} : { runs: only }),
        ...(most === undefined ? {} : { max_fail_num: most }),
      }
    : undefined;
  const missing = !mayStart(task)
    ? text('start.changed')
    : Number.isNaN(most)
      ? text('start.budget.wrong')
      : isList && runs.data === undefined
        ? runs.error
          ? reasonOf(runs.error)
          : text('start.reading')
        : undefined;
  const kind = chosen ? 'retry' : budget ? 'budget' : task.state === 0 ? 'start' : 'resume';
  const verb = kind === 'budget' ? 'resume' : kind;
  const choices = choicesOf(task).map(
    ([name, count]) => [name, text(`start.${name}`, { count: formatNumber(count) })] as const,
  );
  return (
    <PlanDialog<StartBody>
      title={text(`title.${kind}`, { id: task.id })}
      onClose={onClose}
      body={body}
      missing={missing}
      preview={(body) => unwrap(api.POST('/task/start/{id}/preview', { params: { path }, body }))}
      run={async (bound) => {
        await unwrap(api.POST('/task/start/{id}', { params: { path }, body: bound }));
        return [task.id];
      }}
      path={`task/start/${task.id}`}
      action={(preview) =>
        preview ? text(`action.${verb}`, { count: preview.nodes.count }) : text(`verb.${verb}`)
      }
      onStarted={() => {
        onClose();
        void onDone();
      }}
    >
      {chosen ? (
        <p>{text('start.chosen', { what: chosen.words })}</p>
      ) : (
        choices.length > 1 && (
          <Choice label={text('start.who')} value={who} choices={choices} onChange={setWho} />
        )
      )}
      <CountInput
        label={text('start.budget')}
        hint={
          task.budget === null
            ? text('start.budget.none')
            : text('start.budget.own', {
                failed: formatNumber(task.failed),
                budget: formatNumber(task.budget),
              })
        }
        value={typed}
        onChange={setTyped}
        error={Number.isNaN(most) ? text('start.budget.wrong') : undefined}
        autoFocus={budget}
      />
    </PlanDialog>
  );
}

/** Which nodes a start can be for, with their counts; one choice is none. */
function choicesOf({ stat }: TaskInfo): (readonly [Who, number])[] {
  const [waiting = 0, running = 0, , failed = 0, halted = 0] = stat;
  const others = waiting + running + halted;
  if (failed === 0 || others === 0) return [];
  return [
    ['all', others + failed],
    ['halted', others],
    ['failed', failed],
  ];
}
