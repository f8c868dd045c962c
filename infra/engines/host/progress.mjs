const megabyte = 1_000_000;

/** `52504722` → `52.5 MB` */
export const readableSize = (bytes) => `${(bytes / megabyte).toFixed(1)} MB`;

/** One line to the operator. On standard error, so that `--json` on standard output stays clean. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Shows that something slow is running: its name, its size where that is known, and the seconds so far. A terminal
 * sees one line that is redrawn every second; a log file gets the start, every tenth second and the end.
 */
export function startProgress(name, { bytes } = {}) {
  const out = process.stderr;
  const startedAt = Date.now();
  const label = bytes ? `${name} (${readableSize(bytes)})` : name;
  const seconds = () => ((Date.now() - startedAt) / 1000).toFixed(1);
  const redraw = (text) => out.write(`\r\u001b[2K${text}`);
  if (out.isTTY) redraw(`  … ${label}`);
  else out.write(`  … ${label}\n`);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (out.isTTY) redraw(`  … ${label} ${ticks} s`);
    else if (ticks % 10 === 0) out.write(`  … ${label} ${ticks} s\n`);
  }, 1000);
  timer.unref();
  const end = (mark) => (note) => {
    clearInterval(timer);
    const text = `  ${mark} ${label}${note ? `: ${note}` : ''}, ${seconds()} s`;
    if (out.isTTY) redraw(`${text}\n`);
    else out.write(`${text}\n`);
  };
  return { done: end('✓'), failed: end('✗') };
}
