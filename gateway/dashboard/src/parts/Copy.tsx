// A button that puts a text into the clipboard, and says so.
import { useState } from 'preact/hooks';
import { Icon } from './Icon';

export function Copy({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <button
      type="button"
      class="button"
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <Icon name={isCopied ? 'check' : 'copy'} /> <span role="status">{isCopied ? 'Copied' : 'Copy'}</span>
    </button>
  );
}
