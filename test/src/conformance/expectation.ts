import type { ApiAnswer } from './http.js';
import { equal, isObject, type Shape } from './shape.js';

/** A success: what its data must look like, and whether paging fields stand beside it. */
export interface Success {
  data: Shape;
  paged?: boolean;
  /** Page, size and number of rows that must stand beside the data. */
  page?: number;
  page_size?: number;
  query_count?: number;
}

/** A documented failure. */
export interface Refusal {
  code: number;
  /** The message begins with it; a reason may follow. */
  text: string;
  data: [] | Record<string, never> | null;
  /** The message is the text and nothing else. */
  exact?: true;
  /** What the message must speak of: the parameter at fault, say. */
  says?: string | RegExp;
  /** What the reason beside the message must be, for programs. */
  reason?: { code: string; field?: string };
}

export type Expectation = Success | Refusal;

/** A failure whose message begins with the documented text. */
export function refusal(code: number, text: string, data: Refusal['data']): Refusal {
  return { code, text, data };
}

/** A failure whose message is the documented text. */
export function exactRefusal(code: number, text: string, data: Refusal['data']): Refusal {
  return { code, text, data, exact: true };
}

/** The same failure, whose reason must be this one. */
export function reasoned(failure: Refusal, code: string, field?: string): Refusal {
  return { ...failure, reason: field === undefined ? { code } : { code, field } };
}

/** The same failure, whose message must speak of something unless it is fixed. */
export function saying(failure: Refusal, says: string | RegExp): Refusal {
  return failure.exact ? failure : { ...failure, says };
}

export function isRefusal(expectation: Expectation): expectation is Refusal {
  return 'code' in expectation;
}

/** What an implementation says of an operation that it does not have yet, or that it was not set up for. */
const NOT_AVAILABLE = /(is not available in this version|, and none is configured)$/;

/** Whether the server says honestly that it cannot do the operation, however right the request is. */
export function saysNotAvailable({ status, json }: ApiAnswer): boolean {
  return status === 400 && isObject(json) && typeof json.msg === 'string' && NOT_AVAILABLE.test(json.msg);
}

/** What is wrong with an answer; empty when it is as expected. */
export function problemsOf(answer: ApiAnswer, expectation: Expectation): string[] {
  const { json, status } = answer;
  const problems = envelopeProblems(answer);
  if (!isObject(json)) return problems;
  if (isRefusal(expectation)) return [...problems, ...refusalProblems(json, expectation)];
  if (status !== 200) return [...problems, `a success was expected, not ${status}`];
  const wrong = expectation.data(json.data, 'data');
  if (wrong !== undefined) problems.push(wrong);
  const paged = expectation.paged === true;
  for (const name of ['page', 'page_size', 'query_count'] as const) {
    const expected = expectation[name];
    if (paged !== name in json) problems.push(`${name} must ${paged ? '' : 'not '}stand beside the data`);
    else if (paged && !Number.isSafeInteger(json[name])) problems.push(`${name} must be an integer`);
    else if (expected !== undefined && json[name] !== expected) {
      problems.push(`${name} must be ${expected}, it is ${String(json[name])}`);
    }
  }
  return problems;
}

/** The form that every answer has, whatever was asked. */
export function envelopeProblems({ status, headers, json }: ApiAnswer): string[] {
  if (!isObject(json)) return ['the answer is no JSON object'];
  const problems: string[] = [];
  const type = headers['content-type'];
  if (type !== 'application/json; charset=utf-8') problems.push(`Content-Type must not be ${type}`);
  const { code, msg } = json;
  if (code !== (status === 200 ? 0 : status))
    problems.push(`code ${String(code)} with HTTP status ${status}`);
  if (typeof msg !== 'string') problems.push('msg must be a string');
  else if (status === 200 && msg !== 'success') problems.push(`msg of a success must not be ${msg}`);
  else if (msg === '') problems.push('msg of a failure must say what is wrong');
  else if (/["\\\n]/.test(msg)) problems.push('msg must be safe to be pasted into JSON text');
  if (!('data' in json)) problems.push('data is missing');
  if (status !== 200) problems.push(...reasonProblems(json.reason));
  else if ('reason' in json) problems.push('a success has no reason');
  return problems;
}

/** The form of the reason that stands beside the message of every refusal. */
function reasonProblems(reason: unknown): string[] {
  if (!isObject(reason)) return ['reason must be an object'];
  const { code, field, value, data } = reason;
  const problems: string[] = [];
  if (typeof code !== 'string' || !/^[a-z][a-z_]*$/.test(code)) problems.push('reason.code must be a code');
  if (field !== null && (typeof field !== 'string' || field === ''))
    problems.push('reason.field must be a name or null');
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  if (value !== null && !isPlain) problems.push('reason.value must be plain or null');
  if (!isObject(data)) problems.push('reason.data must be an object');
  else
    for (const [name, fact] of Object.entries(data))
      if (fact !== null && !['string', 'number'].includes(typeof fact))
        problems.push(`reason.data.${name} must be plain or null`);
  return problems;
}

function refusalProblems(json: Record<string, unknown>, expected: Refusal): string[] {
  const problems: string[] = [];
  const { code, data } = json;
  const msg = String(json.msg);
  if (code !== expected.code) problems.push(`code must be ${expected.code}, it is ${String(code)}`);
  if (expected.exact ? msg !== expected.text : !msg.startsWith(expected.text)) {
    problems.push(`msg must ${expected.exact ? 'be' : 'begin with'} ${expected.text}`);
  }
  if (!equal(data, expected.data)) problems.push(`data must be ${JSON.stringify(expected.data)}`);
  const { says } = expected;
  if (says !== undefined && !(typeof says === 'string' ? msg.includes(says) : says.test(msg))) {
    problems.push(`msg must speak of ${typeof says === 'string' ? says : says.source}`);
  }
  if (expected.reason && isObject(json.reason)) {
    const { code: why, field } = json.reason;
    if (why !== expected.reason.code)
      problems.push(`reason.code must be ${expected.reason.code}, it is ${why}`);
    if (expected.reason.field !== undefined && field !== expected.reason.field)
      problems.push(`reason.field must be ${expected.reason.field}, it is ${field}`);
  }
  return problems;
}
