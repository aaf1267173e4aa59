/**
 * Shares what is looked at among all who ask: who asks while a look is under way, or soon after one, gets its answer. So a look costs
 * the same however often it is asked for.
 * @param keptMs how long an answer counts after it came.
 */
export function sharedLook<T>(look: () => Promise<T>, keptMs: (answer: T) => number): () => Promise<T> {
  let last: Promise<T> | undefined;
  return () => {
    if (last) return last;
    const looking = look();
    last = looking;
    const forget = (): void => {
      if (last === looking) last = undefined;
    };
    looking.then((answer) => {
      setTimeout(forget, keptMs(answer)).unref();
    }, forget);
    return looking;
  };
}
