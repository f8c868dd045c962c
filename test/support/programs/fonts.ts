import path from 'node:path';

/** A configuration with the fonts of `folder` beside the system's own, and a cache of its own. */
export function fontsConfiguration(folder: string, fonts: string): string {
  const folders = [path.join(folder, fonts), '/usr/share/fonts'].map((name) => `<dir>${name}</dir>`);
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>${folders.join('')}<cachedir>${path.join(folder, 'font-cache')}</cachedir></fontconfig>
`;
}
