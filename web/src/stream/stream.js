// The SharedWorker: one feed for every tab. A browser opens only six connections to a host, so a stream
// a tab would leave the seventh tab without a page.
import { Feed } from './feed.js';

const ports = new Set();
const feed = new Feed((message) => ports.forEach((port) => port.postMessage(message)));

self.onconnect = ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
        if (data.kind === 'bye') {
            ports.delete(port);
            return;
        }
        ports.add(port);
        feed.start(data.token);
        port.postMessage({ kind: 'status', status: feed.status, token: feed.token });
    };
};
