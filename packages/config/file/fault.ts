import { TollgateError } from '@tollgate/errors';

export type Path = readonly (string | number)[];

/** One thing that is wrong in a configuration file. */
export interface Fault {
  path: Path;
  message: string;
  /** The file that the configuration names; undefined = the configuration itself. */
  file?: string;
}

/** More would not be read, and would outgrow an answer. */
const FAULTS_SHOWN_MAX = 50;

/** All faults as one error, each with its line where it is known: the configuration's first, then those of its file. */
export function faultsError(faults: readonly Fault[], lineOf: (fault: Fault) => number | undefined): TollgateError {
  const lines = faults
    .map((fault) => ({
      file: fault.file ?? '',
      line: lineOf(fault),
      text: fault.path.length === 0 ? fault.message : `${print(fault.path)} ${fault.message}`,
    }))
    .toSorted((a, b) => Number(a.file !== '') - Number(b.file !== '') || (a.line ?? 0) - (b.line ?? 0))
    .map(({ file, line, text }) => {
      const place = [...(file === '' ? [] : [file]), ...(line === undefined ? [] : [`line ${line}`])].join(', ');
      return place === '' ? `- ${text}` : `- ${place}: ${text}`;
    });
  const shown = lines.slice(0, FAULTS_SHOWN_MAX);
  if (lines.length > shown.length) shown.push(`- and ${lines.length - shown.length} more`);
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`;
  return new TollgateError('invalid_request', {
    message: `The configuration has ${count}:\n${shown.join('\n')}`,
    param: print(faults[0]?.path ?? []),
  });
}

/** `projects[0].teams[1].limits[0].window` */
function print(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('');
}
