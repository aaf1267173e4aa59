import type { Refusal } from './argument-rule.js';
import { METACHARACTERS } from './code-reader.js';
import type { CommandTracker } from './command-tracker.js';
import { runnerOfInput } from './evaluating.js';
import { ExpansionReader } from './expansion-reader.js';
import { findHeredocEnd, type Heredoc } from './heredoc.js';
import { Lost } from './lost.js';
import { AS_HEREDOC_DELIMITER, IN_OPEN_PIPE, IN_QUOTED_HEREDOC } from './refusals.js';
import { HOLE } from './scan-placeholders.js';
import { printable } from './template-error.js';

/** Reads here-documents: the operator with its delimiter, and after the line the bodies. */
export abstract class HeredocReader extends ExpansionReader {
  protected heredocOperator(tracker: CommandTracker, stripsTabs: boolean, at: number): void {
    const doubtful = () => new Lost('the delimiter of a here-document', at);
    let delimiter = '';
    let quoted = false;
    const start = this.pos;
    while (!this.atEnd && !METACHARACTERS.includes(this.char)) {
      const char = this.char;
      this.pos++;
      if (char === HOLE) {
        this.placer.refuse(this.pos - 1, AS_HEREDOC_DELIMITER);
        throw doubtful();
      } else if (char === '\\') {
        const next = this.code[this.pos++] ?? '\n';
        if (next === '\n' || next === HOLE) throw doubtful();
        delimiter += next;
        quoted = true;
      } else if (char === "'" || char === '"') {
        const close = this.code.indexOf(char, this.pos);
        const inner = close < 0 ? '\n' : this.code.slice(this.pos, close);
        if (inner.includes(HOLE)) this.placer.refuse(this.pos + inner.indexOf(HOLE), AS_HEREDOC_DELIMITER);
        if (/[\n\0]/.test(inner) || (char === '"' && /[$`\\]/.test(inner))) throw doubtful();
        delimiter += inner;
        quoted = true;
        this.pos = close + 1;
      } else if (char === '$' || char === '`') {
        throw doubtful();
      } else {
        delimiter += char;
      }
    }
    if (this.pos === start) throw doubtful();
    this.pending.push({
      delimiter,
      quoted,
      stripsTabs,
      at,
      line: tracker.lineWords,
      enclosed: tracker.words.length === 0 ? [...tracker.allWords] : [],
    });
  }

  /** Reads the bodies of the here-documents of the line that has just ended. */
  protected heredocBodies(tracker: CommandTracker): void {
    const heredocs = this.pending;
    this.pending = [];
    for (const heredoc of heredocs) {
      const body = findHeredocEnd(this.code, this.pos, this.end, heredoc);
      if (!body) throw new Lost('a here-document without a clear end', heredoc.at);
      this.placer.refusing(this.heredocRefusal(heredoc, tracker), () => this.heredocBody(heredoc, body.end));
      this.pos = body.next;
    }
  }

  private heredocRefusal(heredoc: Heredoc, tracker: CommandTracker): Refusal | undefined {
    const runner =
      runnerOfInput([...heredoc.line, ...heredoc.enclosed]) ??
      tracker.readerOnLine(heredoc.line, heredoc.enclosed.length > 0);
    if (tracker.pipeOpen) return IN_OPEN_PIPE;
    if (runner !== undefined) {
      return {
        place: `inside a here-document on a line with ${printable(runner)}, which runs what it reads as code`,
        instead: 'quote the delimiter and hand the value over in an environment variable or a file',
      };
    }
    return heredoc.quoted ? IN_QUOTED_HEREDOC : undefined;
  }

  private heredocBody(heredoc: Heredoc, bodyEnd: number): void {
    const outerEnd = this.end;
    const outerWord = this.openWord;
    this.end = bodyEnd;
    this.openWord = undefined;
    try {
      while (!this.atEnd) {
        if (!heredoc.quoted) this.quotedPart('heredoc');
        else if (this.char === HOLE) this.hole('heredoc');
        else this.pos++;
      }
    } catch (error) {
      // Not the end of the text: shells disagree whether the construct or the here-document ends first.
      if (error instanceof Lost) throw new Lost(`${error.reason} (in a here-document)`, error.at ?? this.pos);
      throw error;
    }
    this.end = outerEnd;
    this.openWord = outerWord;
  }
}
