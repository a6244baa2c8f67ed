// A topic is something on the page that changes by events: components read `version`, events `touch` it.
// However many events come, readers are called at most four times a second.
import { signal } from '@preact/signals';

const INTERVAL_MS = 250;

export function topic() {
    const version = signal(0);
    let timer = 0;
    let last = -INTERVAL_MS;
    return {
        version,
        touch() {
            if (timer) return;
            timer = setTimeout(
                () => {
                    timer = 0;
                    last = performance.now();
                    version.value++;
                },
                Math.max(0, last + INTERVAL_MS - performance.now()),
            );
        },
    };
}
