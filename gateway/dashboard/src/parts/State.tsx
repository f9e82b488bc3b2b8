// What stands where there is nothing to show, or nothing yet.
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/client';
import { Icon, type IconName } from './Icon';
import './state.css';

interface StateProps {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
}

export function State({ icon, title, children }: StateProps) {
  return (
    <div class="state">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Why something could not be had, and the way to try again where that may help. */
export function Failure({ what, error, onRetry }: { what: string; error: ApiError; onRetry: () => void }) {
  return (
    <div class="state" role="alert">
      <Icon name="warning" />
      <h2>{what}</h2>
      <p>{error.message}</p>
      {!error.isFinal && (
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
