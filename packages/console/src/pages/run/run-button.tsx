import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useWords } from '../../text/intl.js';
import { Button } from '../../ui/button.js';
import { Refusal } from '../../ui/refusal.js';
import type { RunTarget } from './run-dialog.js';
import { runWords } from './words.js';

const RunDialog = lazy(async () => ({ default: (await import('./run-dialog.js')).RunDialog }));

interface RunButtonProps {
  /** Reads where it is to run, when the button is pressed. */
  target: () => RunTarget | Promise<RunTarget>;
  /** Why nothing can run there. */
  impossible?: string | undefined;
  kind?: 'plain' | 'quiet';
}

/** Opens the dialog in which a one-off command is written. */
export function RunButton({ target, impossible, kind = 'plain' }: RunButtonProps): ReactNode {
  const text = useWords(runWords);
  const [opened, setOpened] = useState<RunTarget>();
  const [isReading, setReading] = useState(false);
  const [failure, setFailure] = useState<Error>();
  const open = async (): Promise<void> => {
    setReading(true);
    setFailure(undefined);
    try {
      setOpened(await target());
    } catch (error) {
      setFailure(error as Error);
    } finally {
      setReading(false);
    }
  };
  return (
    <>
      <Button
        kind={kind}
        needs="run"
        isPending={isReading}
        impossible={impossible}
        onPress={() => void open()}
      >
        {text('open')}
      </Button>
      {failure && (
        <div role="alert">
          <Refusal error={failure} />
        </div>
      )}
      {opened && (
        <Suspense>
          <RunDialog target={opened} onClose={() => setOpened(undefined)} />
        </Suspense>
      )}
    </>
  );
}
