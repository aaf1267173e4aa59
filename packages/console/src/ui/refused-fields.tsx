import {
  createContext,
  type ReactNode,
  type RefObject,
  useCallback,
  useContext,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
} from 'react';
import { placeOf, type Spellings } from '../text/refusals.js';
import styles from './field.module.css';
import { Refusal, reasonOf } from './refusal.js';

interface Form {
  error: Error | undefined;
  takesFocus: boolean;
  /** The field that shows the error; undefined: none does. */
  shownBy: string | undefined;
  /** Whether a field would show an error. */
  shows: (error: Error) => boolean;
  /** A field is on the screen. @returns takes it away. */
  add: (field: string) => () => void;
}

const FormContext = createContext<Form>({
  error: undefined,
  takesFocus: false,
  shownBy: undefined,
  shows: () => false,
  add: () => () => undefined,
});

interface RefusedFieldsProps {
  /** Why the values of the fields were refused; undefined: they were not. */
  error: Error | undefined;
  /** False: the values are checked while they are typed, and the focus stays where it is. */
  takesFocus?: boolean;
  spellings?: Spellings;
  children: ReactNode;
}

const NO_SPELLINGS: Spellings = {};

/**
 * The fields of one request. A refusal of the API is shown at the field that it names, or at the nearest one around it, and the
 * focus goes there. A field takes part by its name in the request: `name="steps.0.timeout"`. Fields of a form within a form belong to
 * the inner one.
 */
export function RefusedFields({
  error,
  takesFocus = true,
  spellings = NO_SPELLINGS,
  children,
}: RefusedFieldsProps): ReactNode {
  const [fields, setFields] = useState<readonly string[]>([]);
  const add = useCallback((field: string) => {
    setFields((before) => [...before, field]);
    return () => setFields((before) => before.toSpliced(before.indexOf(field), 1));
  }, []);
  const form = useMemo((): Form => {
    const shows = (refusal: Error): boolean => placeOf(refusal, fields, spellings) !== undefined;
    return { error, takesFocus, shownBy: placeOf(error, fields, spellings), shows, add };
  }, [error, takesFocus, fields, spellings, add]);
  return <FormContext value={form}>{children}</FormContext>;
}

/** Whether a field on the screen can show an error: then it need not be shown elsewhere. */
export function useShows(): (error: Error) => boolean {
  return useContext(FormContext).shows;
}

/**
 * What is wrong with a field, and the box whose first control gets the focus then.
 * @param field its name in the request; undefined: no refusal names it
 */
export function useRefused<Box extends HTMLElement>(
  field: string | undefined,
): { error: string | undefined; box: RefObject<Box | null> } {
  const { error, takesFocus, shownBy, add } = useContext(FormContext);
  const box = useRef<Box>(null);
  useEffect(() => (field === undefined ? undefined : add(field)), [field, add]);
  const refused = field !== undefined && shownBy === field ? error : undefined;
  useEffect(() => {
    if (refused === undefined || !takesFocus) return;
    // A dialog that closes gives the focus back first.
    const frame = requestAnimationFrame(() => focusIn(box.current));
    return () => cancelAnimationFrame(frame);
  }, [refused, takesFocus]);
  return { error: refused && reasonOf(refused), box };
}

const CONTROLS = 'input, textarea, button, select, [contenteditable="true"], [tabindex="0"]';

function focusIn(box: HTMLElement | null): void {
  const details = box?.closest('details');
  if (details) details.open = true;
  const control = box?.querySelector<HTMLElement>(CONTROLS) ?? box;
  control?.focus();
  control?.scrollIntoView({ block: 'nearest' });
}

interface RefusedPartProps {
  /** Its name in the request: `steps.0`. */
  name: string;
  className?: string | undefined;
  children: ReactNode;
}

/** Several fields, or one that is not of the kit: shows the refusals that no field within it shows. */
export function RefusedPart({ name, className, children }: RefusedPartProps): ReactNode {
  const { error, box } = useRefused<HTMLDivElement>(name);
  const id = useId();
  return (
    <div
      ref={box}
      role="group"
      className={className}
      {...(error === undefined ? {} : { 'aria-describedby': id })}
    >
      {error !== undefined && (
        <p id={id} className={styles.error}>
          {error}
        </p>
      )}
      {children}
    </div>
  );
}

/** Why the form was refused: where no field shows it; else it is only read aloud. */
export function FormRefusal({ className }: { className?: string | undefined }): ReactNode {
  const { error, shownBy, takesFocus } = useContext(FormContext);
  if (error === undefined || (shownBy !== undefined && !takesFocus)) return null;
  return (
    <div role="alert" className={shownBy === undefined ? className : 'only-read-aloud'}>
      <Refusal error={error} />
    </div>
  );
}
