import type { ReactNode } from 'react';
import { useRouter } from 'wouter';

/** A link out of a form: it opens beside the page, because what was typed here would be lost with it. */
export function AsideLink({
  href,
  className,
  children,
}: {
  href: string;
  className?: string | undefined;
  children: ReactNode;
}): ReactNode {
  const { base } = useRouter();
  return (
    <a href={base + href} target="_blank" rel="noreferrer" className={className}>
      {children}
    </a>
  );
}
