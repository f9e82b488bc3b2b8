// The icons, drawn on a grid of 24. They stand beside words or carry a label; none is the only sign of anything.

const PATHS = {
  balance: 'M12 4v15M8 20h8M5 7.5h14M5 7.5l-2.5 6a2.6 2.6 0 0 0 5 0zM19 7.5l-2.5 6a2.6 2.6 0 0 0 5 0z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  help: 'M9.2 9.2a2.9 2.9 0 1 1 4.2 2.6c-.9.5-1.4 1.1-1.4 2.2M12 17.5v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z',
  leave: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 20 20',
  close: 'M6 6l12 12M18 6 6 18',
  check: 'M5 12.5l4.5 4.5L19 7',
  warning: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.01',
  chevron: 'M9 6l6 6-6 6',
  calendar: 'M4 6h16v14H4zM4 10h16M8 3.5V7M16 3.5V7',
  overview: 'M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z',
  anomaly: 'M3 14h4l2 4 4.5-13 3.5 9h4',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5h4',
  critical: 'M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2zM12 7.5v6M12 16.5v.01',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v5.5M12 7.5v.01',
  trend: 'M4 4v16h16M7 15l4-4.5 3 2.5 5-6.5',
  away: 'M8 5H5v14h14v-3M12 4h8v8M20 4l-9 9',
  back: 'M15 6l-6 6 6 6',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2',
  gauge: 'M4 17a9 9 0 1 1 16 0M12 14l4-5',
  barred: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.7 5.7l12.6 12.6',
  stop: 'M6 6h12v12H6z',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15l12-7.5z',
  list: 'M4 6h16M4 12h16M4 18h10',
  sources: 'M3 5h5l5 7h8M3 12h10M3 19h5l5-7M18 9l3 3-3 3',
  system: 'M4 4h16v6H4zM4 14h16v6H4zM7.5 7h.01M7.5 17h.01M12 7h5M12 17h5',
  settings: 'M5 4v7M5 15v5M12 4v3M12 11v9M19 4v10M19 18v2M3 11h4M10 7h4M17 14h4',
  mute: 'M6 16.5V11a6 6 0 0 1 9.5-4.9M18 11v5.5l1.5 1.5h-15M10 20.5h4M4 4l16 16',
  mail: 'M3 6h18v12H3zM3 7l9 7 9-7',
  chat: 'M4 5h16v11H10l-4 4v-4H4z',
  hook: 'M8 8a4 4 0 1 1 5.5 3.7L16.5 17M12 8l-4 8M8 17a3 3 0 1 1-3-3M8.5 17.5h8a3 3 0 1 0 .4-.6',
  pager: 'M4 6h16v12H4zM7 9h10v4H7zM7.5 16h.01M11 16h.01',
  people:
    'M9 5a3.2 3.2 0 1 0 0 6.4A3.2 3.2 0 0 0 9 5zM3 19c0-3.3 2.7-5.5 6-5.5s6 2.2 6 5.5M15.5 5.3a3.2 3.2 0 0 1 0 5.9M17 13.9c2.4 .7 4 2.6 4 5.1',
  key: 'M8 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM12.5 12H21v4M17 12v3',
  route: 'M6 4v9a4 4 0 0 0 4 4h9M15.5 13.5 19 17l-3.5 3.5M6 8h8M11.5 5.5 14 8l-2.5 2.5',
  plus: 'M12 5v14M5 12h14',
  up: 'M6 14l6-6 6 6',
  down: 'M6 10l6 6 6-6',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  podium: 'M9 20V5h6v15M9 20H3v-9h6M15 20h6v-6h-6M3 20h18',
  grid: 'M4 4h16v16H4zM4 9.3h16M4 14.6h16M9.3 4v16M14.6 4v16',
  prompt: 'M4 5h16v11h-8l-5 4v-4H4zM8 9h8M8 12h5',
  quality: 'M12 3l2.6 5.6 6 .7-4.5 4.1 1.2 6L12 16.4 6.7 19.4l1.2-6L3.4 9.3l6-.7z',
  report: 'M6 3h9l4 4v14H6zM14.5 3v4.5H19M9 12h7M9 15.5h7M9 19h4',
  download: 'M12 4v11M7.5 11l4.5 4.5L16.5 11M4 19.5h16',
  compare: 'M4 17l5-6 4 3 7-8M4 20.5l5-4 4 2 7-5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
