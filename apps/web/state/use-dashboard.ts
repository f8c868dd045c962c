import { useEffect, useRef, useState } from 'react';
import { ApiError, fetchDashboard } from '../api/client.ts';
import type { Dashboard } from '../api/types.ts';
import { Watch } from '../domain/watch.ts';

export interface DashboardView {
  /** The last answer, perhaps to an earlier question. */
  dashboard: Dashboard | undefined;
  /** The last question that was answered. */
  answered: string | undefined;
  /** Of this machine's clock. */
  answeredAtMs: number;
  /** Why the last question was not answered. */
  fault: ApiError | undefined;
  retry: () => void;
}

export interface DashboardQuestion {
  token: string;
  /** The API's query. */
  query: string;
  live: boolean;
  onRefused: () => void;
}

const nothing = { dashboard: undefined, answered: undefined, answeredAtMs: 0, fault: undefined };

/** Asks for the dashboard and, while it is live and looked at, asks again every few seconds. */
export function useDashboard({ token, query, live, onRefused }: DashboardQuestion): DashboardView {
  const [view, setView] = useState<Omit<DashboardView, 'retry'>>(nothing);
  const watch = useRef<Watch<Dashboard>>(undefined);
  const refused = useRef(onRefused);
  refused.current = onRefused;
  useEffect(() => {
    const current = new Watch<Dashboard>({
      ask: (signal) => fetchDashboard(token, query, signal),
      live,
      visible: () => document.visibilityState === 'visible',
      onAnswer: (dashboard) => setView({ dashboard, answered: query, answeredAtMs: Date.now(), fault: undefined }),
      onFault: (error) => {
        const fault = error instanceof ApiError ? error : new ApiError('unreachable', String(error));
        if (fault.code === 'invalid_api_key') refused.current();
        setView((before) => ({ ...before, fault }));
        // The same question would be refused again.
        return !['invalid_api_key', 'invalid_request'].includes(fault.code);
      },
      retryAfterMs: (error) => (error instanceof ApiError ? error.retryAfterMs : undefined),
    });
    watch.current = current;
    const onVisible = () => {
      if (document.visibilityState === 'visible') current.now();
    };
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      document.removeEventListener('visibilitychange', onVisible);
      current.stop();
    };
  }, [token, query, live]);
  return { ...view, retry: () => watch.current?.now() };
}
