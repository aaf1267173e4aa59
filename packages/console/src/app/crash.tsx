import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { useWords } from '../text/intl.js';
import controls from '../ui/controls.module.css';
import styles from './crash.module.css';
import { crashWords } from './crash-words.js';

interface CrashGuardProps {
  children: ReactNode;
  /** What is shown instead of the children that have failed. */
  instead: (error: Error, report: string) => ReactNode;
  /** Another value: the children are drawn again. */
  until?: unknown;
}

interface Failure {
  error: Error;
  /** The components around the error. */
  where: string;
}

/** Keeps an error while its children are drawn from what stands around them. */
export class CrashGuard extends Component<CrashGuardProps, { failure: Failure | undefined }> {
  override state: { failure: Failure | undefined } = { failure: undefined };

  static getDerivedStateFromError(error: Error): { failure: Failure } {
    return { failure: { error, where: '' } };
  }

  override componentDidCatch(error: Error, { componentStack }: ErrorInfo): void {
    this.setState({ failure: { error, where: componentStack ?? '' } });
  }

  override componentDidUpdate({ until }: CrashGuardProps): void {
    if (until !== this.props.until && this.state.failure) this.setState({ failure: undefined });
  }

  override render(): ReactNode {
    const { failure } = this.state;
    if (!failure) return this.props.children;
    const { error, where } = failure;
    return this.props.instead(error, `${error.stack ?? error.message}\n${where}`);
  }
}

/** Shows what went wrong in the console itself. Nothing of it is sent anywhere. */
export function Crash({ report }: { report: string }): ReactNode {
  const text = useWords(crashWords);
  return (
    <div className={styles.crash} role="alert">
      <h1>{text('title')}</h1>
      <p>{text('what')}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what can be scrolled can be reached by keyboard. */}
      <pre tabIndex={0}>{report}</pre>
      <Button className={controls.button ?? ''} onPress={() => void navigator.clipboard?.writeText(report)}>
        {text('copy')}
      </Button>
    </div>
  );
}
