// A button for what cannot be taken back: it asks once, where it stands.
import { useEffect, useRef, useState } from 'preact/hooks';
import './confirm.css';
import { tip } from './Tooltip';

interface ConfirmProps {
  label: string;
  /** What will have happened then, as a question. */
  question: string;
  /** What the button says that does it. */
  action: string;
  explanation?: string;
  isDisabled?: boolean;
  onConfirm: () => void;
}

export function Confirm({ label, question, action, explanation = '', isDisabled = false, onConfirm }: ConfirmProps) {
  const [isAsking, setAsking] = useState(false);
  const keep = useRef<HTMLButtonElement>(null);
  // The harmless one has the focus.
  useEffect(() => {
    if (isAsking) keep.current?.focus();
  }, [isAsking]);
  if (!isAsking) {
    return (
      <button
        type="button"
        class="button"
        disabled={isDisabled}
        {...(explanation ? tip(explanation) : {})}
        onClick={() => setAsking(true)}
      >
        {label}
      </button>
    );
  }
  return (
    <span
      class="confirm"
      role="group"
      aria-label={question}
      onKeyDown={(event) => event.key === 'Escape' && setAsking(false)}
    >
      <span>{question}</span>
      <button
        type="button"
        class="button is-danger"
        disabled={isDisabled}
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {action}
      </button>
      <button type="button" class="button" ref={keep} onClick={() => setAsking(false)}>
        Keep
      </button>
    </span>
  );
}
