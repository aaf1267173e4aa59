import type { ReactNode } from 'react';
import { Heading } from '../../app/heading.js';
import { apiRoot } from '../../app/place.js';
import { PAGE_KEYS, RAIL } from '../../app/rail.js';
import { useWords } from '../../text/intl.js';
import styles from './help-page.module.css';
import { helpWords } from './words.js';

/** The keys, and where the API is described. */
export function HelpPage(): ReactNode {
  const common = useWords();
  const text = useWords(helpWords);
  const pages = RAIL.flatMap(({ name, key }) => {
    const letter = Object.keys(PAGE_KEYS).find((one) => PAGE_KEYS[one] === name);
    return letter === undefined ? [] : [{ keys: ['g', letter], what: common(key) }];
  });
  const everywhere = [
    { keys: ['Tab'], what: text('key.tab') },
    { keys: ['Esc'], what: text('key.escape') },
    { keys: ['/', 'Ctrl K'], what: text('key.search') },
    { keys: ['Ctrl S'], what: text('key.save') },
    { keys: ['[', ']'], what: text('key.tabs') },
    { keys: ['.'], what: text('key.actions') },
    { keys: ['?'], what: text('key.help') },
  ];
  const lists = [
    { keys: ['j', '↓'], what: text('key.down') },
    { keys: ['k', '↑'], what: text('key.up') },
    { keys: ['Home'], what: text('key.first') },
    { keys: ['End'], what: text('key.last') },
    { keys: ['Enter'], what: text('key.open') },
    { keys: ['x'], what: text('key.select') },
  ];
  return (
    <>
      <Heading title={common('page.help')} />
      <div className={styles.help}>
        <p>{text('keys.safe')}</p>
        <KeyTable title={text('keys.pages')} rows={pages} isPair />
        <KeyTable title={text('keys.lists')} rows={lists} />
        <KeyTable title={text('keys.everywhere')} rows={everywhere} />
        <h2>{text('api')}</h2>
        <p>
          <a href={new URL('docs', apiRoot).href}>{text('api.page')}</a>
        </p>
        <p>
          <a href={new URL('openapi.json', apiRoot).href}>openapi.json</a>
        </p>
      </div>
    </>
  );
}

interface KeyTableProps {
  title: string;
  rows: readonly { keys: readonly string[]; what: string }[];
  /** The keys are pressed one after the other; otherwise each of them does it. */
  isPair?: boolean;
}

function KeyTable({ title, rows, isPair = false }: KeyTableProps): ReactNode {
  const text = useWords(helpWords);
  return (
    <table className={styles.keys}>
      <caption>{title}</caption>
      <tbody>
        {rows.map(({ keys, what }) => (
          <tr key={keys.join(' ')}>
            <th scope="row">
              {keys.map((key, index) => (
                <span key={key}>
                  {index > 0 && <i>{isPair ? text('pair.then') : text('pair.or')}</i>}
                  <kbd>{key}</kbd>
                </span>
              ))}
            </th>
            <td>{what}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
