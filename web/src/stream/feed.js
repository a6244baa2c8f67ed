// The one connection to /api/v1/events. It is read with fetch, not EventSource, so that a token travels
// in a header and never in an address. After a break it goes on with since=, so that nothing is missed;
// when that cannot be (the coordinator dropped those events), listeners are told to read all anew.

const RETRY_MS = [500, 1000, 2000, 5000];
const BATCH_MS = 100;
const SILENCE_MS = 45000; // the coordinator says something every 15 seconds

// Splits server-sent events text; calls event({id, kind, data}) for each complete block, `data` null in one
// that only tells the id reached. Returns a function that takes the next piece of text.
export function parser(event) {
    let rest = '';
    return (text) => {
        rest += text;
        const blocks = rest.split(/\r?\n\r?\n/);
        rest = blocks.pop();
        for (const block of blocks) {
            const fields = { data: [] };
            for (const line of block.split(/\r?\n/)) {
                const colon = line.indexOf(':');
                if (colon <= 0) continue; // a comment keeps the connection open
                const value = line.slice(colon + 1).replace(/^ /, '');
                if (line.startsWith('data:')) fields.data.push(value);
                else fields[line.slice(0, colon)] = value;
            }
            const data = fields.data.length ? JSON.parse(fields.data.join('\n')) : null;
            if (data || fields.id) event({ id: Number(fields.id), kind: fields.event, data });
        }
    };
}

// send(message) gets {kind: 'status', status: 'connecting' | 'live' | 'offline' | 'token', token},
// {kind: 'events', events: […]} and {kind: 'reset'}.
export class Feed {
    constructor(send) {
        this.send = send;
        this.status = 'connecting';
        this.token = '';
        this.last = null; // sequence number of the last event seen
        this.batch = [];
        this.running = false;
        this.wake = () => {};
    }

    // Starts, or goes on with another token.
    start(token) {
        if (token && token !== this.token) {
            this.token = token;
            this.wake();
        }
        if (!this.running) {
            this.running = true;
            this.run();
        }
    }

    tell(status) {
        this.status = status;
        this.send({ kind: 'status', status, token: this.token });
    }

    async run() {
        for (let tries = 0; ; tries++) {
            const token = this.token;
            try {
                await this.follow(() => (tries = -1));
            } catch {
                // the reason does not matter: the next try tells more
            }
            if (this.refused && token !== this.token) continue;
            this.tell(this.refused ? 'token' : 'offline');
            await new Promise((resolve) => {
                this.wake = resolve;
                if (!this.refused)
                    setTimeout(
                        resolve,
                        RETRY_MS[Math.min(Math.max(tries, 0), RETRY_MS.length - 1)],
                    );
            });
        }
    }

    async follow(connected) {
        const headers = this.token ? { Authorization: `Bearer ${this.token}` } : {};
        const since = this.last === null ? '' : `?since=${this.last}`;
        const silence = new AbortController();
        let timer = 0;
        const heard = () => {
            clearTimeout(timer);
            timer = setTimeout(() => silence.abort(), SILENCE_MS);
        };
        heard();
        try {
            const answer = await fetch(`/api/v1/events${since}`, {
                headers,
                cache: 'no-store',
                signal: silence.signal,
            });
            this.refused = answer.status === 401 || answer.status === 403;
            if (!answer.ok) return;
            connected();
            const late = this.status !== 'connecting' && this.last === null;
            this.tell('live');
            if (late) this.send({ kind: 'reset' }); // something may have been read before the stream stood
            const take = parser((event) => this.event(event));
            const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
            for (;;) {
                const { done, value } = await reader.read();
                if (done) return;
                heard();
                take(value);
            }
        } finally {
            clearTimeout(timer);
        }
    }

    event({ id, kind, data }) {
        if (id >= 0) this.last = id;
        if (kind === 'reset') {
            this.batch = [];
            this.send({ kind: 'reset' });
        } else if (data) {
            this.batch.push({ kind, data });
            if (this.batch.length === 1)
                setTimeout(
                    () => this.send({ kind: 'events', events: this.batch.splice(0) }),
                    BATCH_MS,
                );
        }
    }
}
