import type { ReactNode } from 'react';

interface NoticeProps {
  title: string;
  children: ReactNode;
  /** In place of the figures, or above figures that are still shown. */
  kind: 'instead' | 'above';
  action?: { text: string; onClick: () => void };
}

/** Something that is to be known: why there are no figures, or why they are old. */
export function Notice({ title, children, kind, action }: NoticeProps) {
  return (
    <section className={`card notice ${kind}`} role="status">
      <div>
        <h2>{title}</h2>
        <p>{children}</p>
      </div>
      {action && (
        <button type="button" className="button" onClick={action.onClick}>
          {action.text}
        </button>
      )}
    </section>
  );
}
