// Light or dark: the system's choice unless the reader has chosen here.
import { computed, effect, signal } from '@preact/signals';

const KEY = 'tunerd-theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const systemDark = signal(system.matches);
system.addEventListener('change', (event) => (systemDark.value = event.matches));

const chosen = signal(localStorage.getItem(KEY) ?? '');
export const dark = computed(() => (chosen.value ? chosen.value === 'dark' : systemDark.value));

effect(() => {
    document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
});

export function toggleTheme() {
    chosen.value = dark.value ? 'light' : 'dark';
    if ((chosen.value === 'dark') === systemDark.value) {
        localStorage.removeItem(KEY);
        chosen.value = '';
    } else {
        localStorage.setItem(KEY, chosen.value);
    }
}

// A colour of the style sheet, for canvases. Reading `dark` makes the caller follow the theme.
export function colour(name) {
    void dark.value;
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
