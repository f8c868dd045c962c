import { useRef, useState } from 'react';
import type { Dashboard, Measure } from '../api/types.ts';
import { type Choice, isLive, questionOf } from '../domain/choice.ts';
import { Colors } from '../domain/colors.ts';
import { useChoice } from '../state/use-choice.ts';
import { useDashboard } from '../state/use-dashboard.ts';
import { ChartCard } from './chart-card.tsx';
import { Controls } from './controls.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { Legend } from './legend.tsx';
import { Notice } from './notice.tsx';
import { ShownRange } from './shown-range.tsx';
import { Tiles } from './tiles.tsx';
import { TopBar } from './top-bar.tsx';
import { UsageTable } from './usage-table.tsx';

interface UsagePageProps {
  token: string;
  onSignOut: () => void;
  /** The console does not take the token any more. */
  onRefused: () => void;
}

const charts: readonly Measure[] = ['tokens', 'costNanoUsd', 'requests', 'cacheHits'];

export function UsagePage({ token, onSignOut, onRefused }: UsagePageProps) {
  const [choice, change] = useChoice();
  const [paused, setPaused] = useState(false);
  const query = questionOf(choice);
  const canBeLive = isLive(choice);
  const view = useDashboard({ token, query, live: canBeLive && !paused, onRefused });
  const { dashboard, fault } = view;
  return (
    <>
      <TopBar
        organization={dashboard?.organization ?? ''}
        live={canBeLive ? !paused : undefined}
        onLive={(live) => setPaused(!live)}
        answeredAtMs={view.answeredAtMs}
        failing={fault !== undefined}
        onSignOut={onSignOut}
      />
      <main className="page" aria-busy={view.answered !== query && !fault}>
        <h1 className="unseen">Usage by team and model</h1>
        <Controls choice={choice} onChange={change} dashboard={dashboard} />
        {fault && <FaultNotice fault={fault} above={dashboard !== undefined} onRetry={view.retry} />}
        {dashboard && (
          <div className={view.answered === query ? 'figures' : 'figures old'}>
            <Figures dashboard={dashboard} choice={choice} onChange={change} />
          </div>
        )}
        {!dashboard && !fault && <Ghosts />}
      </main>
    </>
  );
}

interface FiguresProps {
  dashboard: Dashboard;
  choice: Choice;
  onChange: (change: Partial<Choice>) => void;
}

function Figures({ dashboard, choice, onChange }: FiguresProps) {
  const { by } = choice;
  const colors = useRef({ team: new Colors(), model: new Colors() });
  const colorOf = (group: string) => colors.current[by].of(group);
  const series = by === 'team' ? dashboard.byTeam : dashboard.byModel;
  return (
    <>
      <Tiles totals={dashboard.totals} />
      <div className="chart-heading">
        <ShownRange dashboard={dashboard} />
        <Legend series={series} colorOf={colorOf} />
      </div>
      {dashboard.totals.requests === 0 ? (
        <Notice
          title="No requests in this range"
          kind="instead"
          action={
            isWidest(choice) ? undefined : { text: 'Show 30 days', onClick: () => onChange({ range: { last: '30d' } }) }
          }
        >
          {emptyText(choice)}
        </Notice>
      ) : (
        <>
          <div className="charts">
            {charts.map((measure) => (
              <ChartCard
                key={measure}
                measure={measure}
                total={dashboard.totals[measure]}
                series={series}
                bucketsMs={dashboard.bucketsMs}
                bucket={dashboard.bucket}
                colorOf={colorOf}
                onStretch={(fromMs, toMs) => onChange({ range: { fromMs, toMs } })}
              />
            ))}
          </div>
          <UsageTable dashboard={dashboard} by={by} colorOf={colorOf} />
        </>
      )}
    </>
  );
}

const isWidest = ({ range }: Choice) => 'last' in range && range.last === '30d';

function emptyText(choice: Choice): string {
  if (choice.team || choice.model) return 'Nothing was asked by this team or of this model.';
  if (isLive(choice)) return 'As soon as somebody calls a model with a team’s key, it is here.';
  return 'Nobody called a model between these two moments.';
}

/** Where the figures will be. */
function Ghosts() {
  return (
    <>
      <p className="unseen" role="status">
        Reading the ledger …
      </p>
      <Tiles totals={undefined} />
      <div className="chart-heading" aria-hidden="true" />
      <div className="charts" aria-hidden="true">
        {charts.map((measure) => (
          <div key={measure} className="card chart ghost" />
        ))}
      </div>
    </>
  );
}
