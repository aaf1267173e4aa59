import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import {
  Button as AriaButton,
  ComboBox,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Text,
} from 'react-aria-components';
import { useWords } from '../text/intl.js';
import styles from './field.module.css';
import { useRefused } from './refused-fields.js';
import { reasonOf } from './region.js';

/** One of the things to choose from. */
export interface Found {
  id: number;
  name: string;
  /** What tells it from others of the same name. */
  detail?: ReactNode;
}

interface SearchSelectProps {
  /** Its name in the request, by which a refusal finds it. */
  name?: string | undefined;
  label: string;
  /** Names what is searched, for the cache. */
  what: string;
  /** The name of what is chosen; empty: nothing is. */
  chosen: string;
  /** The first things whose name contains the text. */
  search: (text: string) => Promise<Found[]>;
  onChoose: (found: Found) => void;
  hint?: string | undefined;
  error?: string | undefined;
  /** Choosing adds to a list: the field is empty again. */
  isList?: boolean;
}

/** One of many things, found by a part of its name. */
export function SearchSelect({
  name,
  label,
  what,
  chosen,
  search,
  onChoose,
  hint,
  error,
  isList = false,
}: SearchSelectProps): ReactNode {
  const text = useWords();
  const rest = isList ? '' : chosen;
  const [input, setInput] = useState(rest);
  /** The text is a part of a name that is sought, and not the name of what is chosen. */
  const [isTyping, setTyping] = useState(false);
  // The list closes when another one is chosen.
  const [picked, setPicked] = useState<number | null>(null);
  const isFocused = useRef(false);
  // While the field has the focus, a changed text would open the list.
  useEffect(() => {
    if (!isFocused.current) setInput(rest);
  }, [rest]);
  const wanted = isTyping ? input.trim() : '';
  const query = useQuery({
    queryKey: ['search-select', what, wanted],
    queryFn: () => search(wanted),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
  // What was found for an earlier text stands there until the answer comes, as far as it fits.
  const items = (query.data ?? []).filter(
    ({ name }) => !query.isPlaceholderData || name.toLowerCase().includes(wanted.toLowerCase()),
  );
  const refused = useRefused<HTMLDivElement>(name);
  const problem = error ?? refused.error ?? (query.error ? reasonOf(query.error) : undefined);
  return (
    <ComboBox
      ref={refused.box}
      className={styles.field ?? ''}
      menuTrigger="input"
      allowsEmptyCollection
      items={items}
      inputValue={input}
      selectedKey={picked}
      onInputChange={(value) => {
        setInput(value);
        setTyping(true);
      }}
      onSelectionChange={(key) => {
        const found = items.find(({ id }) => id === key);
        if (!found) return;
        setPicked(found.id);
        setInput(isList ? '' : found.name);
        setTyping(false);
        onChoose(found);
      }}
      onFocusChange={(focused) => {
        isFocused.current = focused;
        if (focused) return;
        setInput(rest);
        setTyping(false);
      }}
      isInvalid={problem !== undefined}
      validationBehavior="aria"
    >
      <Label>{label}</Label>
      <div className={styles.combo}>
        <Input className={styles.input ?? ''} spellCheck="false" autoComplete="off" />
        <AriaButton className={styles.comboOpen ?? ''}>
          <svg viewBox="0 0 10 10" aria-hidden="true">
            <path d="M2 3.5l3 3 3-3" fill="none" stroke="currentColor" strokeWidth="1.5" />
          </svg>
        </AriaButton>
      </div>
      {hint !== undefined && (
        <Text slot="description" className={styles.hint ?? ''}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.error ?? ''}>{problem}</FieldError>
      <Popover className={styles.popover ?? ''}>
        <ListBox
          className={styles.list ?? ''}
          renderEmptyState={() => <p className={styles.none}>{text('choose.none')}</p>}
        >
          {(found: Found) => (
            <ListBoxItem id={found.id} textValue={found.name} className={styles.option ?? ''}>
              {found.name}
              {found.detail !== undefined && <small className={styles.detail}>{found.detail}</small>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}
