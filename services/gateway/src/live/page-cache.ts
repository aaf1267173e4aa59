/** The encoded events after a place, and the place after them. */
export interface Page {
  text: string;
  /** The place asked for, if no event follows it. */
  next: string;
  /** The encoded event that ends the stream, if no event will follow `next`. */
  end: string | undefined;
}

/**
 * Pages that were read lately. Beyond a limit of characters, the oldest are removed. Events that once followed a place
 * follow it for ever, so a kept page never becomes wrong; but a page without events, or with the end of a stream, is
 * true only for its moment.
 */
export class PageCache {
  private readonly pages = new Map<string, Page>();
  private size = 0;

  constructor(private readonly limit: number) {}

  get(key: string): Page | undefined {
    return this.pages.get(key);
  }

  add(key: string, { text, next }: Page): void {
    this.remove(key);
    this.pages.set(key, { text, next, end: undefined });
    this.size += text.length;
    for (const oldest of this.pages.keys()) {
      if (this.size <= this.limit) return;
      this.remove(oldest);
    }
  }

  private remove(key: string): void {
    const page = this.pages.get(key);
    if (!page) return;
    this.pages.delete(key);
    this.size -= page.text.length;
  }
}
