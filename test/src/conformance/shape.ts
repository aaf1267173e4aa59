/** What a value must look like: tells what is wrong with it, or undefined. Objects may have more keys than are named. */
export type Shape = (value: unknown, at: string) => string | undefined;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function when(what: string, holds: (value: unknown) => boolean): Shape {
  return (value, at) => (holds(value) ? undefined : `${at} must be ${what}, it is ${show(value)}`);
}

export const integer = when('an integer', Number.isSafeInteger);
/** An id that a server gives. */
export const id = when('a positive integer', (value) => Number.isSafeInteger(value) && (value as number) > 0);
export const text = when('a string', (value) => typeof value === 'string');
export const flag = when('0 or 1', (value) => value === 0 || value === 1);
export const anything = when('present', (value) => value !== undefined);
/** `YYYY-MM-DD HH:mm:ss`. */
export const localTime = when(
  'a time like 2017-07-27 13:39:55',
  (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value),
);
export const rfc3339 = when(
  'a time like 2017-07-27T13:39:55Z',
  (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
);

/** Exactly this value, with no key more. */
export function exactly(expected: unknown): Shape {
  return when(show(expected), (value) => equal(value, expected));
}

export function oneOf(...values: unknown[]): Shape {
  return when(`one of ${values.map(show).join(', ')}`, (value) => values.some((each) => equal(value, each)));
}

export function matching(pattern: RegExp): Shape {
  return when(`a text like ${pattern.source}`, (value) => typeof value === 'string' && pattern.test(value));
}

/** @param least elements at least. */
export function listOf(element: Shape, least = 0): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return `${at} must be an array, it is ${show(value)}`;
    if (value.length < least) return `${at} must have ${least} elements or more, it has ${value.length}`;
    return firstProblem(value.map((each, index) => element(each, `${at}[${index}]`)));
  };
}

/** A list that holds, among others, an element of this shape. */
export function listWith(element: Shape): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return `${at} must be an array, it is ${show(value)}`;
    const problems = value.map((each) => element(each, 'it'));
    if (problems.includes(undefined)) return undefined;
    return `${at} holds no element as expected (the first one: ${problems[0] ?? 'there is none'})`;
  };
}

export function objectWith(fields: Record<string, Shape>): Shape {
  return (value, at) => {
    if (!isObject(value)) return `${at} must be an object, it is ${show(value)}`;
    return firstProblem(Object.entries(fields).map(([name, shape]) => shape(value[name], `${at}.${name}`)));
  };
}

/** An object with exactly these values under these names. */
export function having(fields: Record<string, unknown>): Shape {
  return objectWith(
    Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, exactly(value)])),
  );
}

/** An object whose values all have this shape, whatever their names are. */
export function mapOf(element: Shape): Shape {
  return (value, at) => {
    if (!isObject(value)) return `${at} must be an object, it is ${show(value)}`;
    return firstProblem(Object.entries(value).map(([name, each]) => element(each, `${at}.${name}`)));
  };
}

/** All of these at once. */
export function both(...shapes: Shape[]): Shape {
  return (value, at) => firstProblem(shapes.map((shape) => shape(value, at)));
}

/** One of these. */
export function either(...shapes: Shape[]): Shape {
  return (value, at) => {
    const problems = shapes.map((shape) => shape(value, at));
    return problems.includes(undefined) ? undefined : problems.join(', or ');
  };
}

function firstProblem(problems: (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function equal(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => equal(each, other[index]));
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && equal(one[name], other[name]))
    );
  }
  return Object.is(one, other);
}
