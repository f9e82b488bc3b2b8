// A button that puts a text into the clipboard, and says so.
import { useState } from 'preact/hooks';
import { Icon } from './Icon';
import { tip } from './Tooltip';

interface CopyProps {
  text: string;
  /** What it does, where there is room for the icon alone. */
  label?: string;
}

export function Copy({ text, label = '' }: CopyProps) {
  const [isCopied, setCopied] = useState(false);
  // Not there where the page came neither encrypted nor from this machine.
  const isAllowed = Boolean(navigator.clipboard);
  const words = isCopied ? 'Copied' : label || 'Copy';
  const copy = (): void =>
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return (
    <button
      type="button"
      class={`button${label ? ' is-icon' : ''}`}
      disabled={!isAllowed}
      {...(label ? { 'aria-label': words, ...tip(words) } : {})}
      onClick={copy}
    >
      <Icon name={isCopied ? 'check' : 'copy'} /> {!label && <span role="status">{words}</span>}
    </button>
  );
}
