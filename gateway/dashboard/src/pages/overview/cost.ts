// What is said of costs that are only partly known.
import type { MetricWindow } from '../../api/model';
import { money, NONE, type Figure } from '../../format/format';

/** Nothing where no call has a price: what is not known is not free. */
export function costPerAccepted(window: MetricWindow): Figure {
  return window.cost_unknown_count === window.call_count ? NONE : money(window.cost_per_accepted_task_usd);
}

/** Likewise the sum. */
export function cost(window: MetricWindow): Figure {
  return window.cost_unknown_count === window.call_count ? NONE : money(window.cost_usd);
}
