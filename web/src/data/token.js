// The access token, for this tab only: in memory and in sessionStorage, never in an address.
import { effect, signal } from '@preact/signals';

const KEY = 'tunerd-token';

export const token = signal(sessionStorage.getItem(KEY) ?? '');
export const asking = signal(false); // the page shows the dialog while true
export const refused = signal(false); // the last one given was not accepted

effect(() => {
    if (token.value) sessionStorage.setItem(KEY, token.value);
    else sessionStorage.removeItem(KEY);
});

// Waits until there is another token than the one that was just refused.
export function another(used) {
    if (token.value !== used) return Promise.resolve();
    refused.value = used !== '';
    asking.value = true;
    return new Promise((resolve) => {
        const end = token.subscribe((value) => {
            if (value === used) return;
            asking.value = false;
            queueMicrotask(() => end());
            resolve();
        });
    });
}
