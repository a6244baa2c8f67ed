// A topic is something on the page that changes by events: components read `version`, events `touch` it.
// However many events come, whatever was touched is redrawn together, at most four times a second, less
// often where drawing takes long, and not at all while nobody looks.
import { batch, signal } from '@preact/signals';

const INTERVAL_MS = 250;
const SHARE = 4; // at most one part in so many of the time goes into drawing

const touched = new Set();
let timer = 0;
let next = 0; // when drawing is allowed again

function draw() {
    timer = 0;
    if (document.hidden) return; // becoming visible draws
    const from = performance.now();
    batch(() => touched.forEach((version) => version.value++));
    touched.clear();
    next = from + INTERVAL_MS;
    // the frame that shows it is over when a task queued in it runs
    requestAnimationFrame(() =>
        setTimeout(() => {
            next = Math.max(next, from + SHARE * (performance.now() - from));
        }),
    );
}

function plan() {
    if (!timer && touched.size && !document.hidden)
        timer = setTimeout(draw, Math.max(0, next - performance.now()));
}

document.addEventListener('visibilitychange', plan);

export function topic() {
    const version = signal(0);
    return {
        version,
        touch() {
            touched.add(version);
            plan();
        },
    };
}
