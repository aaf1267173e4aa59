import { type ReactNode, useEffect, useState } from 'react';
import { useWords } from '../text/intl.js';
import { Button } from './button.js';

/** How long the button says that the text was copied, in milliseconds. */
const SAID_MS = 2_000;

interface CopyButtonProps {
  /** The text, or what makes it when the button is pressed. */
  text: string | (() => string | Promise<string>);
  /** The words on the button; default: "Copy". */
  children?: ReactNode;
  /** What is copied, for a button whose words do not say it. */
  label?: string;
}

/** Copies a text, and says so. */
export function CopyButton({ text, children, label }: CopyButtonProps): ReactNode {
  const words = useWords();
  const [said, setSaid] = useState<'copied' | 'refused'>();
  useEffect(() => {
    if (said === undefined) return;
    const timer = setTimeout(() => setSaid(undefined), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      setSaid('copied');
    } catch {
      // Only a page by HTTPS or of this machine may copy.
      setSaid('refused');
    }
  };
  return (
    <>
      <Button kind="quiet" onPress={() => void copy()} {...(label === undefined ? {} : { label })}>
        {said === undefined ? (children ?? words('copy.copy')) : words(`copy.${said}`)}
      </Button>
      <span role="status" className="only-read-aloud">
        {said === undefined ? '' : words(`copy.${said}`)}
      </span>
    </>
  );
}
