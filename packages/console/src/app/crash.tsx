import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Button } from 'react-aria-components';
import { useWords } from '../text/intl.js';
import controls from '../ui/controls.module.css';
import styles from './crash.module.css';
import { crashWords } from './crash-words.js';

/** Shows what went wrong in the console itself. Nothing of it is sent anywhere. */
export class CrashGuard extends Component<{ children: ReactNode }, { report?: string }> {
  override state: { report?: string } = {};

  override componentDidCatch(error: Error, { componentStack }: ErrorInfo): void {
    this.setState({ report: `${error.stack ?? error.message}\n${componentStack ?? ''}` });
  }

  override render(): ReactNode {
    const { report } = this.state;
    return report === undefined ? this.props.children : <Crash report={report} />;
  }
}

function Crash({ report }: { report: string }): ReactNode {
  const text = useWords(crashWords);
  return (
    <main className={styles.crash}>
      <h1>{text('title')}</h1>
      <p>{text('what')}</p>
      <pre>{report}</pre>
      <Button className={controls.button} onPress={() => void navigator.clipboard?.writeText(report)}>
        {text('copy')}
      </Button>
    </main>
  );
}
