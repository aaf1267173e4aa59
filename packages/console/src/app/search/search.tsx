import { unwrap } from '@rigel/api-client';
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import { useLocation } from 'wouter';
import { api } from '../../api/api.js';
import { useWords } from '../../text/intl.js';
import { reasonOf } from '../../ui/region.js';
import { patterns, to } from '../addresses.js';
import { isTaken } from '../keys.js';
import { RAIL } from '../rail.js';
import { useWho } from '../role.js';
import { useSettings } from '../settings.js';
import { actionsOn, splitVerb } from './actions.js';
import {
  type Found,
  isCorrelationId,
  type Result,
  recentResults,
  rememberResult,
  resultOf,
} from './results.js';
import styles from './search.module.css';
import { searchWords } from './words.js';

/** A person who types on does not want the answer to the first letters. */
const PAUSE_MS = 120;

/** The field in the bar that opens the search; `/` and Ctrl-K or ⌘-K open it too. */
export function Search(): ReactNode {
  const text = useWords(searchWords);
  const [isOpen, setOpen] = useState(false);
  const { letterKeys } = useSettings();
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      const isChord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k';
      const isSlash = letterKeys && event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (event.defaultPrevented || !(isChord || (isSlash && !isTaken(event)))) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [letterKeys]);
  return (
    <>
      <button
        type="button"
        className={styles.open}
        onClick={() => setOpen(true)}
        aria-keyshortcuts="Control+K"
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path
            d="M7 2a5 5 0 1 1 0 10A5 5 0 0 1 7 2zm3.6 8.6L14 14"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.5"
          />
        </svg>
        <span className={styles.long}>{text('field')}</span>
        <span className={styles.short}>{text('short')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      {isOpen && <SearchDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function SearchDialog({ onClose }: { onClose: () => void }): ReactNode {
  const text = useWords(searchWords);
  const [, navigate] = useLocation();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useId();
  const listed = useRef<HTMLDivElement>(null);
  const { may } = useWho();
  const mayAct = may('operator');
  const { verb, rest } = mayAct ? splitVerb(typed.trim(), text) : { verb: undefined, rest: typed.trim() };
  const wanted = useLater(rest);
  const query = useQuery({
    queryKey: ['search', wanted],
    queryFn: async () => unwrap(api.GET('/search', { params: { query: { q: wanted } } })),
    enabled: wanted !== '',
    placeholderData: (before) => before,
  });
  const pages = useFoundPages(typed.trim());
  const recent = useMemo(recentResults, []);
  const asked = typed.trim() !== '';
  const isEarlier = query.isPlaceholderData || wanted !== rest;
  // Until the answer is there, what an earlier one has and still fits: Enter must not open what is not meant any more.
  const rows = rest === '' ? [] : (query.data?.rows ?? []).filter((row) => !isEarlier || fits(row, rest));
  const found = rows.map(resultOf);
  const actions = mayAct ? actionsOn(rows, verb, text) : [];
  const request: Result[] = isCorrelationId(typed.trim())
    ? [
        {
          kind: 'request',
          key: 'request',
          name: text('audit', { id: typed.trim() }),
          detail: '',
          address: to.audit({ correlation_id: typed.trim() }),
        },
      ]
    : [];
  const newTask = useNewTask(typed.trim());
  const results = asked
    ? verb === undefined
      ? [...found, ...actions, ...newTask, ...pages, ...request]
      : [...actions, ...found]
    : recent.length > 0
      ? recent
      : pages;
  const at = Math.min(chosen, Math.max(0, results.length - 1));
  const go = (result: Result): void => {
    rememberResult(result);
    onClose();
    navigate(result.address);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && results.length > 0) {
      event.preventDefault();
      setChosen((at + step + results.length) % results.length);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      const result = results[at];
      if (result) go(result);
    }
  };
  useEffect(() => {
    listed.current?.children[at]?.scrollIntoView({ block: 'nearest' });
  }, [at]);
  const parts = query.data?.missing.map(({ part }) => part).join(', ') ?? '';
  const nothing = asked && results.length === 0 && query.isSuccess && wanted === rest;
  return (
    <ModalOverlay
      className={styles.shade ?? ''}
      isOpen
      isDismissable
      onOpenChange={(open) => !open && onClose()}
    >
      <Modal className={styles.modal ?? ''}>
        <Dialog className={styles.dialog ?? ''}>
          <Heading slot="title" className="only-read-aloud">
            {text('title')}
          </Heading>
          <input
            className={styles.field}
            autoFocus
            role="combobox"
            aria-label={text('field')}
            aria-expanded={results.length > 0}
            aria-controls={list}
            aria-activedescendant={results[at] ? `${list}-${at}` : undefined}
            aria-autocomplete="list"
            placeholder={text('field')}
            autoComplete="off"
            spellCheck={false}
            maxLength={200}
            value={typed}
            onChange={(event) => {
              setTyped(event.target.value);
              setChosen(0);
            }}
            onKeyDown={onKeyDown}
          />
          {!asked && <p className={styles.title}>{recent.length > 0 ? text('recent') : text('pages')}</p>}
          <div ref={listed} id={list} role="listbox" aria-label={text('title')} className={styles.results}>
            {results.map((result, index) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: keys are those of the field.
              <div
                key={result.key}
                id={`${list}-${index}`}
                role="option"
                tabIndex={-1}
                aria-selected={index === at}
                onClick={() => go(result)}
                onPointerMove={() => setChosen(index)}
              >
                <span className={styles.kind}>{text(`kind.${result.kind}`)}</span>
                <span className={styles.name}>{result.name}</span>
                <small>{result.detail}</small>
              </div>
            ))}
          </div>
          <p className={styles.foot} role="status">
            {query.error
              ? text('failed', { reason: reasonOf(query.error) })
              : parts !== ''
                ? text('missing', { parts })
                : nothing
                  ? text('none', { text: rest })
                  : text('hint')}
          </p>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function fits({ id, name, detail }: Found, text: string): boolean {
  return `#${id} ${name} ${detail}`.toLowerCase().includes(text.toLowerCase());
}

/** A text once it has not changed for a moment. */
function useLater(text: string): string {
  const [later, setLater] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setLater(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return later;
}

function useNewTask(typed: string): Result[] {
  const common = useWords();
  const { may } = useWho();
  const name = common('page.newTask');
  if (!may('operator') || typed === '' || !`${name} new task run`.toLowerCase().includes(typed.toLowerCase()))
    return [];
  return [{ kind: 'do', key: 'new-task', name, detail: '', address: to.newTask() }];
}

function useFoundPages(typed: string): Result[] {
  const common = useWords();
  return RAIL.map(({ name, key }) => ({
    kind: 'page' as const,
    key: `page-${name}`,
    name: common(key),
    detail: '',
    address: patterns[name],
  })).filter(({ name, key }) => `${name} ${key}`.toLowerCase().includes(typed.toLowerCase()));
}
