import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { shell } from '@codemirror/legacy-modes/mode/shell';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { search, searchKeymap } from '@codemirror/search';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { CheckResult } from '@rigel/command-template';
import { type ReactNode, useEffect, useRef } from 'react';
import styles from './action.module.css';

interface CodeEditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** What the check of the text found; undefined: it is not checked. */
  checked: CheckResult | undefined;
  /** The words for what is wrong. */
  problem: string | undefined;
}

/** Colours by the tokens of the page, so that the editor follows its theme. */
const highlight = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--text-faint)' },
  { tag: tags.string, color: 'var(--success)' },
  { tag: tags.keyword, color: 'var(--accent)' },
  { tag: tags.number, color: 'var(--stopped)' },
]);

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--surface)', color: 'var(--text)', height: '100%' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontSize: 'var(--text-small)', lineHeight: '1.6' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--text-faint)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--sunken)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-tooltip, .cm-panels': {
    backgroundColor: 'var(--surface)',
    color: 'var(--text)',
    border: '1px solid var(--line-strong)',
  },
});

const setUses = StateEffect.define<CheckResult['uses']>();
const PLACEHOLDER = /^\{\{[^{}\n]*\}\}/;

/** The marks on the places of parameters: as data, or as code. */
const uses = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setUses)) continue;
      const { doc } = transaction.state;
      const ranges = effect.value.flatMap(({ line, column, raw }) => {
        const from = line <= doc.lines ? doc.line(line).from + column - 1 : doc.length;
        const length = PLACEHOLDER.exec(doc.sliceString(from, from + 300))?.[0].length ?? 0;
        const mark = Decoration.mark({ class: raw ? styles.code : styles.data });
        return length === 0 ? [] : [mark.range(from, from + length)];
      });
      return Decoration.set(ranges, true);
    }
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}

/** An editor of shell text, with the places of parameters marked, and what is wrong underlined. */
export function CodeEditor({ label, value, onChange, checked, problem }: CodeEditorProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const changed = useRef(onChange);
  changed.current = onChange;

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made once; the effects below bring later values.
  useEffect(() => {
    const editor = new EditorView({
      parent: place.current as HTMLDivElement,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce()),
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
          EditorView.lineWrapping,
          lineNumbers(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          lintGutter(),
          search({ top: true }),
          StreamLanguage.define(shell),
          syntaxHighlighting(highlight),
          // Tab is left to the page: it must be possible to leave the editor by keyboard.
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
          uses,
          theme,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => editor.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    editor.dispatch({ effects: setUses.of(checked?.uses ?? []) });
    const { doc } = editor.state;
    const refusal = checked?.refusal;
    const diagnostics =
      refusal && problem !== undefined && refusal.line <= doc.lines
        ? [diagnosticAt(doc.line(refusal.line), refusal.column, problem)]
        : [];
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
  }, [checked, problem]);

  return <div ref={place} className={styles.editor} />;
}

function diagnosticAt(line: { from: number; to: number; text: string }, column: number, message: string) {
  const from = Math.min(line.from + column - 1, line.to);
  const length = PLACEHOLDER.exec(line.text.slice(column - 1))?.[0].length ?? 1;
  return { from, to: Math.min(from + length, line.to), severity: 'error' as const, message };
}
