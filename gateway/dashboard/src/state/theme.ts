// Light or dark: the system's, unless the viewer chose. public/theme.js applies the choice before the first paint.
import { effect, signal } from '@preact/signals';

export type ThemeChoice = 'system' | 'light' | 'dark';

const STORAGE_KEY = 'assay.theme';
const NEXT: Record<ThemeChoice, ThemeChoice> = { system: 'light', light: 'dark', dark: 'system' };
const systemIsDark = window.matchMedia('(prefers-color-scheme: dark)');

function kept(): ThemeChoice {
  try {
    const choice = localStorage.getItem(STORAGE_KEY);
    return choice === 'light' || choice === 'dark' ? choice : 'system';
  } catch {
    return 'system';
  }
}

export const themeChoice = signal<ThemeChoice>(kept());

/** What is on the screen now; canvases, which do not follow CSS, draw anew when it changes. */
export const theme = signal<'light' | 'dark'>('light');

function apply(): void {
  const choice = themeChoice.value;
  const root = document.documentElement;
  if (choice === 'system') delete root.dataset['theme'];
  else root.dataset['theme'] = choice;
  theme.value = choice === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : choice;
}

effect(apply);
systemIsDark.addEventListener('change', apply);

/** System, light, dark, and around again. */
export function nextTheme(): void {
  themeChoice.value = NEXT[themeChoice.value];
  try {
    localStorage.setItem(STORAGE_KEY, themeChoice.value);
  } catch {
    // Storage can be forbidden: then the choice lasts as long as the page.
  }
}
