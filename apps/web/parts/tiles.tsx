import type { ReactNode } from 'react';
import type { Sums } from '../api/types.ts';
import { formatCount, formatShare } from '../domain/figures.ts';
import { formatNanoUsd } from '../domain/money.ts';

/** The range's totals. */
export function Tiles({ totals }: { totals: Sums | undefined }) {
  if (!totals)
    return (
      <div className="tiles" aria-hidden="true">
        {['Tokens', 'Cost', 'Requests', 'Cache hits'].map((name) => (
          <div key={name} className="tile ghost" />
        ))}
      </div>
    );
  const { tokens, promptTokens, completionTokens, costNanoUsd, savedNanoUsd, requests, errors, refused, cacheHits } =
    totals;
  return (
    <dl className="tiles" aria-label="Totals">
      <Tile name="Tokens" value={formatCount(tokens)}>
        {formatCount(promptTokens)} prompt · {formatCount(completionTokens)} completion
      </Tile>
      <Tile name="Cost" value={formatNanoUsd(costNanoUsd)}>
        {formatNanoUsd(savedNanoUsd)} saved by the cache
      </Tile>
      <Tile name="Requests" value={formatCount(requests)}>
        {formatCount(errors)} failed · {formatCount(refused)} refused
      </Tile>
      <Tile name="Cache hits" value={formatCount(cacheHits)}>
        {formatShare(cacheHits, requests)} of requests
      </Tile>
    </dl>
  );
}

/** Longer figures stand smaller where tiles are narrow: none is ever cut or broken. */
const lengthMax = 11;

function Tile({ name, value, children }: { name: string; value: string; children: ReactNode }) {
  return (
    <div className="tile">
      <dt>{name}</dt>
      <dd className={value.length > lengthMax ? 'value long' : 'value'}>{value}</dd>
      <dd className="detail">{children}</dd>
    </div>
  );
}
