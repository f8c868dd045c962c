import type { ApiError } from '../api/client.ts';
import { Notice } from './notice.tsx';

interface FaultNoticeProps {
  fault: ApiError;
  /** Older figures are shown below. */
  above: boolean;
  onRetry: () => void;
}

const titles: Readonly<Record<string, string>> = {
  store_unavailable: 'The ledger does not answer',
  overloaded: 'The ledger is busy',
  unreachable: 'The console cannot be reached',
  invalid_request: 'This cannot be shown',
};

/** Why the last question was not answered, in the console's words. */
export function FaultNotice({ fault, above, onRetry }: FaultNoticeProps) {
  const again = fault.code !== 'invalid_request';
  const neverThere = fault.code === 'store_unavailable' && !above;
  return (
    <Notice
      title={neverThere ? 'The ledger is not there yet' : (titles[fault.code] ?? 'The figures could not be read')}
      kind={above ? 'above' : 'instead'}
      action={again ? { text: 'Try now', onClick: onRetry } : undefined}
    >
      {fault.message} {again && 'This page asks again by itself.'}
    </Notice>
  );
}
