// The page's end of the event stream. `status` is a signal; `listen` gets each batch of events.
import { signal } from '@preact/signals';
import { Feed } from './feed.js';
import { token } from '../data/token.js';

export const status = signal('connecting');

// Resolves when the stream stands, or is known not to: what is read after that misses no event.
let settle;
export const settled = new Promise((resolve) => (settle = resolve));

const listeners = new Set();
let post = () => {};

// listener({events: […]} or {reset: true}); returns a function that ends it.
export function listen(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
}

function receive(message) {
    if (message.kind === 'status') {
        status.value = message.status;
        if (message.status !== 'connecting') settle();
        if (message.token && !token.value) token.value = message.token; // another tab has it already
    } else if (message.kind === 'events') {
        listeners.forEach((listener) => listener({ events: message.events }));
    } else if (message.kind === 'reset') {
        listeners.forEach((listener) => listener({ reset: true }));
    }
}

function shared() {
    const worker = new SharedWorker('/stream.js', { name: `tunerd ${TUNERD_VERSION}` });
    worker.port.onmessage = ({ data }) => receive(data);
    addEventListener('pagehide', () => worker.port.postMessage({ kind: 'bye' }));
    post = (message) => worker.port.postMessage(message);
}

// Without SharedWorker the tab that gets the lock leads and tells the others; when it closes the next one
// gets the lock. Where a browser has no locks (plain HTTP from another host) each tab has its own stream.
function elected() {
    const channel = new BroadcastChannel('tunerd-stream');
    let feed = null;
    const lead = () => {
        feed = new Feed((message) => {
            receive(message);
            channel.postMessage(message);
        });
        feed.start(token.value);
        return new Promise(() => {}); // holds the lock as long as the tab lives
    };
    channel.onmessage = ({ data }) => {
        if (data.kind !== 'hello') receive(data);
        else if (feed) {
            feed.start(data.token);
            feed.tell(feed.status);
        }
    };
    post = (message) => (feed ? feed.start(message.token) : channel.postMessage(message));
    if (navigator.locks) navigator.locks.request('tunerd-stream', lead);
    else lead();
}

export function connect() {
    if (window.SharedWorker) shared();
    else elected();
    const hello = () => post({ kind: 'hello', token: token.value });
    token.subscribe(hello);
    addEventListener('pageshow', (event) => event.persisted && hello());
}
