// Line icons, 16 by 16; always beside text or with a label on the button.
const PATHS = {
    pause: 'M5.5 3.5v9M10.5 3.5v9',
    play: 'M4.5 3v10l8-5z',
    stop: 'M4 4h8v8H4z',
    cancel: 'm4 4 8 8m0-8-8 8',
    trash: 'M2.5 4.5h11M6.5 4V2.5h3V4M4 4.5l.6 9h6.8l.6-9',
    copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
    check: 'm3 8.5 3.5 3.5L13 4.5',
    sun: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13',
    moon: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z',
    left: 'm10 3-5 5 5 5',
    right: 'm6 3 5 5-5 5',
    up: 'm3.5 10 4.5-4.5 4.5 4.5',
    down: 'm3.5 6 4.5 4.5L12.5 6',
    reset: 'M3 3v3.5h3.5M3.2 6.5A5.5 5.5 0 1 1 2.6 9.5',
    table: 'M2 3h12v10H2zM2 6.5h12M2 10h12M6.5 6.5V13',
    chart: 'M2 2.5v11h12M4.5 10l3-3.5 2.5 2 3.5-5',
    download: 'M8 2.5v7M4.8 6.8 8 10l3.2-3.2M2.5 13h11',
    plus: 'M8 3v10M3 8h10',
    star: 'm8 1.8 1.9 3.9 4.3.6-3.1 3 .7 4.3L8 11.6l-3.8 2 .7-4.3-3.1-3 4.3-.6z',
    search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3l3.2 3.2',
    drain: 'M3 3h10M8 6v7M5 10.2 8 13l3-2.8',
};

export function Icon({ name }) {
    return (
        <svg
            class="icon"
            viewBox="0 0 16 16"
            aria-hidden="true"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
        >
            <path d={PATHS[name]} />
        </svg>
    );
}
