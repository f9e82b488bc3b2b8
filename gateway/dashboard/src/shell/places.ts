// The places that one can go to from everywhere, in the order in which they stand.
import type { IconName } from '../parts/Icon';

export interface Place {
  path: string;
  label: string;
  icon: IconName;
  /** Where pages begin that are reached from there. */
  also?: readonly string[];
  /** Where the range of the charts is to be kept. */
  keepsRange?: boolean;
  /** The range that it begins with, where that is not the usual one. */
  rangeName?: string;
  /** Counts what wants somebody there. */
  badge?: 'anomalies' | 'alerts';
  /** Also on a small screen always in sight; the others are behind "More" there. */
  isMain?: boolean;
  /** Begins another group. */
  isApart?: boolean;
}

export const PLACES: readonly Place[] = [
  { path: '/', label: 'Overview', icon: 'overview', also: ['/series'], keepsRange: true, isMain: true },
  { path: '/calls', label: 'Calls', icon: 'list', keepsRange: true },
  { path: '/anomalies', label: 'Anomalies', icon: 'anomaly', badge: 'anomalies', isMain: true },
  {
    path: '/alerts',
    label: 'Alerts',
    icon: 'bell',
    also: ['/rules', '/silences', '/receivers', '/routing'],
    badge: 'alerts',
    isMain: true,
  },
  { path: '/heatmap', label: 'Heat map', icon: 'grid', keepsRange: true, isApart: true },
  { path: '/rankings', label: 'Rankings', icon: 'podium', isMain: true },
  { path: '/prompts', label: 'Prompts', icon: 'prompt' },
  { path: '/quality', label: 'Quality', icon: 'quality', rangeName: '7d' },
  { path: '/reports', label: 'Reports', icon: 'report' },
  { path: '/system', label: 'System', icon: 'system', isApart: true },
  { path: '/sources', label: 'Sources', icon: 'sources' },
  { path: '/settings', label: 'Settings', icon: 'settings' },
];
