// The style sheet's colours for canvases, read once a theme; and the colours of scores.
import { computed } from '@preact/signals';
import { dark } from '../theme.js';

const NAMES = [
    'text',
    'muted',
    'line',
    'panel',
    'page',
    'accent',
    'queued',
    'running',
    'completed',
    'pruned',
    'failed',
    'infeasible',
    'cancelled',
    'series-1',
    'series-2',
    'series-3',
    'series-4',
    'series-5',
    'series-6',
    'series-7',
    'series-8',
];

export const palette = computed(() => {
    void dark.value;
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries(
        NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
    );
});

export const FONT = '11px Inter, system-ui, sans-serif';

// viridis, sampled; brighter is better. On a light page its brightest end is left out.
const VIRIDIS = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];

// u: 0 worst, 1 best.
export function viridis(u) {
    const top = dark.value ? 1 : 0.88;
    const bottom = dark.value ? 0.12 : 0;
    const at = (bottom + Math.min(1, Math.max(0, u)) * (top - bottom)) * (VIRIDIS.length - 1);
    const i = Math.min(VIRIDIS.length - 2, Math.floor(at));
    const mix = (k) => Math.round(VIRIDIS[i][k] + (at - i) * (VIRIDIS[i + 1][k] - VIRIDIS[i][k]));
    return `rgb(${mix(0)} ${mix(1)} ${mix(2)})`;
}
