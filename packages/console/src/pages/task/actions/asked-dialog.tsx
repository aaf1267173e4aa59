import type { ReactNode } from 'react';
import type { GridModel } from '../grid/grid-model.js';
import { AgainDialog } from './again-dialog.js';
import type { Ask, DialogProps } from './may.js';
import { PauseDialog } from './pause-dialog.js';
import { ReleaseDialog } from './release-dialog.js';
import { StartDialog } from './start-dialog.js';
import { StopDialog } from './stop-dialog.js';

interface AskedDialogProps extends DialogProps {
  ask: Ask;
  model: GridModel | undefined;
}

/** The dialog of what is asked for. */
export function AskedDialog({ ask, model, ...dialog }: AskedDialogProps): ReactNode {
  switch (ask.kind) {
    case 'start':
      return <StartDialog {...dialog} ask={ask} />;
    case 'again':
      return <AgainDialog {...dialog} />;
    case 'stop':
      return <StopDialog {...dialog} model={model} />;
    case 'pause':
      return <PauseDialog {...dialog} />;
    case 'release':
      return <ReleaseDialog {...dialog} nsid={ask.nsid} ip={ask.ip} />;
    default:
      return ask satisfies never;
  }
}
