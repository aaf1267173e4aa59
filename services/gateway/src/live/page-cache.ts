/** What follows a place: encoded events, and the place after them. */
export interface Page {
  text: string;
  /** The place asked for, when there is nothing after it. */
  next: string;
  /** The encoded event that ends the stream, when nothing comes after `next`. */
  end: string | undefined;
}

/**
 * Pages read lately, the oldest ones dropped at a limit of characters. What once followed a place follows it for ever, so
 * nothing here becomes wrong; but a page without events, or the end of a stream, is true for its moment only.
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
