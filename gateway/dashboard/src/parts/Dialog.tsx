// A modal dialog: the browser's own, which keeps the focus inside and closes on Escape.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import './dialog.css';
import { Icon } from './Icon';

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  /** What it shows would be lost: neither Escape nor a click beside it closes it. */
  isKept?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, isOpen, onClose, isKept = false, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  // A text that is marked to beyond the edge is no click beside it.
  const isPressedBeside = useRef(false);

  useEffect(() => {
    if (isOpen && !ref.current!.open) ref.current!.showModal();
    if (!isOpen) ref.current!.close();
  }, [isOpen]);

  // A kept one says so twice: not all browsers know `closedby`.
  return (
    <dialog
      ref={ref}
      class="dialog"
      aria-label={title}
      closedby={isKept ? 'none' : 'closerequest'}
      onCancel={(event) => isKept && event.preventDefault()}
      onClose={onClose}
      onPointerDown={(event) => (isPressedBeside.current = event.target === ref.current)}
      onClick={(event) => event.target === ref.current && isPressedBeside.current && !isKept && onClose()}
    >
      <div class="dialog-frame">
        <header class="dialog-header">
          <h2>{title}</h2>
          <button type="button" class="button is-icon" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {isOpen && children}
      </div>
    </dialog>
  );
}
