import type { TaskInfo } from '@rigel/api-client';
import { useQueryClient } from '@tanstack/react-query';
import { createContext, lazy, type ReactNode, Suspense, useContext, useEffect, useState } from 'react';
import { useQueryParam } from '../../../app/query-param.js';
import type { GridModel } from '../grid/grid-model.js';
import type { Ask } from './may.js';

/** The dialogs and the plans in them are loaded when the first one opens. */
const AskedDialog = lazy(async () => ({ default: (await import('./asked-dialog.js')).AskedDialog }));

const AskContext = createContext<(ask: Ask) => void>(() => undefined);

/** Opens the dialog of an action of the task. */
export function useAsk(): (ask: Ask) => void {
  return useContext(AskContext);
}

interface TaskDialogsProps {
  task: TaskInfo;
  model: GridModel | undefined;
  children: ReactNode;
}

/** Gives everything of the page the dialogs of the task's actions. An address with `do=stop` opens that of the stop. */
export function TaskDialogs({ task, model, children }: TaskDialogsProps): ReactNode {
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Ask>();
  const [wanted, setWanted] = useQueryParam('do');
  useEffect(() => {
    if (wanted === '') return;
    if (wanted === 'start' || wanted === 'stop' || wanted === 'pause' || wanted === 'again')
      setAsked({ kind: wanted });
    setWanted('');
  }, [wanted, setWanted]);
  const onClose = (): void => setAsked(undefined);
  const onDone = (): Promise<void> => queries.invalidateQueries({ queryKey: ['task', task.id] });
  return (
    <AskContext value={setAsked}>
      {children}
      {asked && (
        <Suspense>
          <AskedDialog ask={asked} task={task} model={model} onClose={onClose} onDone={onDone} />
        </Suspense>
      )}
    </AskContext>
  );
}
