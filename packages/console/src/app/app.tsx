import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, Suspense, useMemo } from 'react';
import { I18nProvider, RouterProvider } from 'react-aria-components';
import { Route, Router, Switch, useLocation } from 'wouter';
import { Language, useIntl, useWords } from '../text/intl.js';
import { patterns } from './addresses.js';
import { Crash, CrashGuard } from './crash.js';
import { FocusOnNewPage, Frame } from './frame.js';
import { Heading } from './heading.js';
import { aroundNav } from './leave-guard.js';
import { PageGuard } from './page-guard.js';
import { PAGES, type RoutedPage } from './pages.js';
import { routerBase } from './place.js';
import { WhoGate } from './who.js';

export function App(): ReactNode {
  const queries = useMemo(
    () => new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 1_000 } } }),
    [],
  );
  return (
    <Language>
      <CrashGuard
        instead={(_, report) => (
          <main>
            <Crash report={report} />
          </main>
        )}
      >
        <QueryClientProvider client={queries}>
          <Router base={routerBase} aroundNav={aroundNav}>
            <Aria>
              <WhoGate>
                <Frame>
                  <PageGuard>
                    <Suspense>
                      <FocusOnNewPage />
                      <Switch>
                        {(Object.keys(PAGES) as RoutedPage[]).map((name) => (
                          <Route key={name} path={patterns[name]} component={PAGES[name]} />
                        ))}
                        <Route component={MissingPage} />
                      </Switch>
                    </Suspense>
                  </PageGuard>
                </Frame>
              </WhoGate>
            </Aria>
          </Router>
        </QueryClientProvider>
      </CrashGuard>
    </Language>
  );
}

/** Gives the components of react-aria our language and our router. */
function Aria({ children }: { children: ReactNode }): ReactNode {
  const { locale } = useIntl();
  const [, navigate] = useLocation();
  return (
    <I18nProvider locale={locale}>
      <RouterProvider navigate={navigate} useHref={(address) => `${routerBase}${address}`}>
        {children}
      </RouterProvider>
    </I18nProvider>
  );
}

function MissingPage(): ReactNode {
  const text = useWords();
  const [location] = useLocation();
  return (
    <>
      <Heading title={text('page.missing')} />
      <p style={{ padding: '20px' }}>{text('page.missing.what', { address: location })}</p>
    </>
  );
}
