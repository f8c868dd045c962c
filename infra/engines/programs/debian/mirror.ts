import type { Distribution } from './distribution.ts';

/** One line of `apt-get indextargets` in this format; a repository may appear many times. */
export const indexTargetFormat = '$(CREATED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SITE)';

/**
 * The address of the mirror that this system installs from, out of what apt says of itself (its source lists come in
 * two formats and many files). A repository of another maker can name the same release, so the usual end of the path
 * decides, then the first. Undefined when the system has no such source.
 */
export function mirrorOf(indexTargets: string, distribution: Distribution): string | undefined {
  const found = indexTargets
    .split('\n')
    .map((line) => line.split('|'))
    .filter(
      ([createdBy, , release, component]) =>
        createdBy === 'Packages' && release === distribution.codename && component === 'main',
    )
    .flatMap(([, uri]) => (uri ? [uri] : []));
  const usual = distribution.family === 'ubuntu' ? /\/ubuntu(-ports)?\/?$/ : /\/debian\/?$/;
  return found.find((uri) => usual.test(uri)) ?? found[0];
}
